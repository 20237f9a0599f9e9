/**
 * Judges all charges of a request by the server's clock and takes all or none.
 *
 * KEYS: one per charge. ARGV: the time in milliseconds or an empty text for the server's; then kind (`w` sliding window, `b` token bucket), limit,
 * window in ms and cost of each. Returns three numbers per charge: wait (-1: never), remaining, reset.
 *
 * A sliding window is one string: a byte that says how wide its counts are (1, 2 or 4 bytes), the number of the newest bucket as a double, and 61
 * counts, newest last; 70 bytes up to 255 a bucket. A hash of the same buckets takes up to 700, and a sorted set with a member per
 * request some 40 each. A token bucket is the time at which it is full again; `%.3f` because Lua prints 14 digits only, which are too few.
 */
export const takeScript = `
local KEPT = 61
local now = tonumber(ARGV[1])
if not now then
  local time = redis.call('TIME')
  now = time[1] * 1000 + time[2] / 1000
end

local function window(key, limit, ms, cost)
  local bucket = ms / (KEPT - 1)
  local current, counts, newest = math.floor(now / bucket), {}, nil
  local raw = redis.call('GET', key)
  if raw then
    newest = struct.unpack('>d', raw, 2)
    counts = {struct.unpack('>' .. string.rep('I' .. string.byte(raw, 1), KEPT), raw, 10)}
    if newest > current then current = newest end
  end
  local shift = newest and current - newest or KEPT
  local used = 0
  for i = shift + 1, KEPT do used = used + counts[i] end
  if used + cost > limit then
    local wait, need = -1, used + cost - limit
    if cost <= limit then
      for i = shift + 1, KEPT do
        need = need - counts[i]
        if need <= 0 then
          wait = math.ceil((newest + i) * bucket - now)
          break
        end
      end
    end
    return {wait, math.max(0, limit - used), wait}
  end
  return {0, limit - used - cost, math.ceil((current + KEPT) * bucket - now), function()
    local after, most = {}, 0
    for i = 1, KEPT do
      after[i] = counts[i + shift] or 0
      if i + shift > KEPT then after[i] = 0 end
      if i == KEPT then after[i] = after[i] + cost end
      if after[i] > most then most = after[i] end
    end
    local width = most < 256 and 1 or most < 65536 and 2 or 4
    redis.call('SET', key, string.char(width) .. struct.pack('>d' .. string.rep('I' .. width, KEPT), current, unpack(after)), 'PX', math.ceil(ms + bucket))
  end}
end

local function bucket(key, limit, ms, cost)
  local token = ms / limit
  local full = math.max(tonumber(redis.call('GET', key) or now), now)
  local after = full + cost * token
  local wait = math.max(0, math.ceil(after - ms - now))
  if cost > limit then wait = -1 end
  if wait ~= 0 then return {wait, math.max(0, math.floor((ms - (full - now)) / token)), wait} end
  return {0, math.floor((ms - (after - now)) / token + 1e-9), math.ceil(after - now), function()
    redis.call('SET', key, string.format('%.3f', after), 'PX', math.ceil(after - now) + 1)
  end}
end

local plans, passes, answer = {}, true, {}
for i = 1, #KEYS do
  local a = i * 4 - 2
  local judge = ARGV[a] == 'w' and window or bucket
  local plan = judge(KEYS[i], tonumber(ARGV[a + 1]), tonumber(ARGV[a + 2]), tonumber(ARGV[a + 3]))
  if plan[1] ~= 0 then passes = false end
  plans[i] = plan
  for n = 1, 3 do answer[#answer + 1] = plan[n] end
end
if passes then for i = 1, #KEYS do plans[i][4]() end end
return answer
`;
