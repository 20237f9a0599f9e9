-- Writes down how far a group is, never back, and drops what every group is done with.
-- ARGV: the group; its position; where it was before, and how many entries lie between the two (empty: not known); how many positions the
-- stream keeps at least.
local group, position, from, between, keep = ARGV[1], ARGV[2], ARGV[3], tonumber(ARGV[4]), tonumber(ARGV[5])
if redis.call('EXISTS', stream) == 0 then redis.call('XGROUP', 'CREATE', stream, group, '0', 'MKSTREAM') end
local known = describe()
local last = positionOf(known['last-generated-id'])
local first = known['first-entry'] and positionOf(known['first-entry'][1])

-- Position of the last entry that the group is done with. A native group may have taken entries without acknowledging them.
local function doneBy(one)
  if one['pending'] == 0 then return positionOf(one['last-delivered-id']) end
  return positionOf(redis.call('XPENDING', stream, one['name'])[2]) - 1
end

local mine
local slowest
for _, reply in ipairs(redis.call('XINFO', 'GROUPS', stream)) do
  local one = asTable(reply)
  if one['name'] == group then
    mine = one
  else
    slowest = math.min(slowest or math.huge, doneBy(one))
  end
end
if not mine then
  redis.call('XGROUP', 'CREATE', stream, group, '0')
  mine = { ['last-delivered-id'] = '0-0', ['entries-read'] = false }
end

-- How many entries the group has read: Redis tells its lag by it. Not known for a group in the midst of a stream that was lost.
local before = positionOf(mine['last-delivered-id'])
local done = math.max(before, tonumber(position))
local read
if done >= last then
  read = known['entries-added']
elseif not first or done < first then
  read = known['entries-added'] - known['length']
elseif done == before then
  read = mine['entries-read']
elseif between and mine['entries-read'] and string.match(mine['last-delivered-id'], '^%d+') == from then
  read = mine['entries-read'] + between
end
if done > before or (read and read ~= mine['entries-read']) then
  local id = (done > before and position or string.match(mine['last-delivered-id'], '^%d+')) .. '-0'
  redis.call('XGROUP', 'SETID', stream, group, id, 'ENTRIESREAD', read or -1)
end

-- Never the last entry: by it a newcomer learns what it has to read from the log. `~` drops whole nodes only, which costs next to nothing.
local oldest = math.min(slowest or done, done, last - keep)
if first and first < oldest then
  redis.call('XTRIM', stream, 'MINID', '~', string.format('%.0f-0', oldest))
end
return redis.status_reply('OK')
