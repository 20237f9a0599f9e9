-- Returns how many entries lie behind a position: from what Redis counts for the group, or by counting, which costs.
-- ARGV: the group; the position; where the group is, as it was last written down, and how many entries lie between the two (empty: not known); the
-- most to count.
local known = describe()
if not known then return 0 end
local between = tonumber(ARGV[4])
for _, reply in ipairs(between and redis.call('XINFO', 'GROUPS', stream) or {}) do
  local one = asTable(reply)
  if one['name'] == ARGV[1] and one['entries-read'] and string.match(one['last-delivered-id'], '^%d+') == ARGV[3] then
    return known['entries-added'] - one['entries-read'] - between
  end
end
return #redis.call('XRANGE', stream, '(' .. ARGV[2] .. '-0', '+', 'COUNT', ARGV[5])
