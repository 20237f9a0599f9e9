/**
 * Judges all charges of a request by the server's clock and takes all or none.
 *
 * KEYS: one per charge. ARGV: the time in milliseconds or an empty text for the server's; then kind (`w` sliding window, `b` token bucket), limit,
 * window in ms and cost of each. Returns three numbers per charge: wait (-1: never), remaining, reset.
 *
 * A sliding window is one string: a byte that says how wide its counts are (1, 2 or 4 bytes), the number of the newest bucket as a double, the sum of
 * all counts in 4 bytes, and 61 counts, newest last; 74 bytes up to 255 a bucket. A hash of the same buckets takes up to 700, and a sorted set with a
 * member per request some 40 each. Thanks to the sum a request that passes in the newest bucket changes the string's two ends only: about 10 µs in
 * the server instead of 32. A token bucket is the time at which it is full again; `%.3f` because Lua prints 14 digits only, which are too few.
 */
export const takeScript = `
local KEPT, HEAD = 61, 13
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
    local width, sum = string.byte(raw, 1), nil
    newest, sum = struct.unpack('>dI4', raw, 2)
    if newest > current then current = newest end
    if newest == current and sum + cost <= limit then
      local count = struct.unpack('>I' .. width, raw, #raw - width + 1) + cost
      if count < 256 ^ width then
        local value = string.char(width) .. struct.pack('>dI4', current, sum + cost)
          .. string.sub(raw, HEAD + 1, -width - 1) .. struct.pack('>I' .. width, count)
        return 0, limit - sum - cost, math.ceil((current + KEPT) * bucket - now), value, math.ceil(ms + bucket)
      end
    end
    counts = {struct.unpack('>' .. string.rep('I' .. width, KEPT), raw, HEAD + 1)}
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
    return wait, math.max(0, limit - used), wait
  end
  local after, most = {}, 0
  for i = 1, KEPT do
    after[i] = i + shift <= KEPT and counts[i + shift] or 0
    if i == KEPT then after[i] = after[i] + cost end
    if after[i] > most then most = after[i] end
  end
  local width = most < 256 and 1 or most < 65536 and 2 or 4
  local value = string.char(width) .. struct.pack('>dI4' .. string.rep('I' .. width, KEPT), current, used + cost, unpack(after))
  return 0, limit - used - cost, math.ceil((current + KEPT) * bucket - now), value, math.ceil(ms + bucket)
end

local function bucket(key, limit, ms, cost)
  local token = ms / limit
  local full = math.max(tonumber(redis.call('GET', key) or now), now)
  local after = full + cost * token
  local wait = math.max(0, math.ceil(after - ms - now))
  if cost > limit then wait = -1 end
  if wait ~= 0 then return wait, math.max(0, math.floor((ms - (full - now)) / token)), wait end
  local reset = math.ceil(after - now)
  return 0, math.floor((ms - (after - now)) / token + 1e-9), reset, string.format('%.3f', after), reset + 1
end

local passes, answer, values, lives = true, {}, {}, {}
for i = 1, #KEYS do
  local a = i * 4 - 2
  local judge = ARGV[a] == 'w' and window or bucket
  local wait, remaining, reset, value, life = judge(KEYS[i], tonumber(ARGV[a + 1]), tonumber(ARGV[a + 2]), tonumber(ARGV[a + 3]))
  if wait ~= 0 then passes = false end
  values[i], lives[i] = value, life
  local at = i * 3
  answer[at - 2], answer[at - 1], answer[at] = wait, remaining, reset
end
if passes then
  for i = 1, #KEYS do redis.call('SET', KEYS[i], values[i], 'PX', lives[i]) end
end
return answer
`;
