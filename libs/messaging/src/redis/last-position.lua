-- Returns the position of the last entry that the stream ever had, as text; `0` when it never had one, or lost everything.
local known = describe()
return known and string.match(known['last-generated-id'], '^%d+') or '0'
