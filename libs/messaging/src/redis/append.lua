-- Appends messages in their order and skips those that the stream has had: an id that is not greater than the last one is a repetition.
-- ARGV[1]: `gap` when the first message may follow others that are not in the stream. Then for each message: its position, the position of the one
-- before it in the partition, the number of fields and values, and these.
-- Returns how many were new; -1, and appends nothing, when the stream has lost what comes before them.
local known = describe()
local last = known and positionOf(known['last-generated-id']) or 0
local added = 0
local at = 2
while at <= #ARGV do
  local count = tonumber(ARGV[at + 2])
  local position = tonumber(ARGV[at])
  if position > last then
    if tonumber(ARGV[at + 1]) > last and ARGV[1] ~= 'gap' then return -1 end
    redis.call('XADD', stream, ARGV[at] .. '-0', unpack(ARGV, at + 3, at + 2 + count))
    last = position
    added = added + 1
  end
  at = at + 3 + count
end
return added
