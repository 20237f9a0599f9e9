-- Writes an entry unless there is a newer one: the compare-and-set.
-- ARGV: time to live in milliseconds, then what encodeEntry gives: origin, revision, partition, order, traceparent, tracestate.
-- Returns 1, or 0 when there is a newer one.
local ttl, origin, revision, partition, order, traceparent, tracestate = unpack(ARGV)
local held = redis.pcall('HMGET', KEYS[1], 'origin', 'revision')
-- Whatever is no entry of this origin gives way, be it of another type: nobody else's may keep ours out.
if held.err or held[1] ~= origin then
  redis.call('DEL', KEYS[1])
elseif (tonumber(held[2]) or 0) > tonumber(revision) then -- below 2^51, hence exact as Lua's numbers
  return 0
end
local now = redis.call('TIME') -- of the server: the clocks of those who compare it differ
local written = string.format('%.0f', now[1] * 1000 + math.floor(now[2] / 1000))
redis.call('HSET', KEYS[1], 'origin', origin, 'revision', revision, 'written', written, 'partition', partition,
  'order', order, 'traceparent', traceparent, 'tracestate', tracestate)
redis.call('PEXPIRE', KEYS[1], ttl)
return 1
