-- In front of every script here. KEYS[1] is the stream of one partition; an entry's id is `<position>-0`. Positions are exact up to 2^53.
local stream = KEYS[1]

local function asTable(reply)
  local out = {}
  for i = 1, #reply, 2 do out[reply[i]] = reply[i + 1] end
  return out
end

local function positionOf(id)
  return tonumber(string.match(id, '^%d+'))
end

-- What Redis knows of the stream; nil when there is none.
local function describe()
  if redis.call('EXISTS', stream) == 0 then return nil end
  return asTable(redis.call('XINFO', 'STREAM', stream))
end
