#!lua
-- Ends a counted attempt that did not fail. See base.py.
--
-- KEYS     the counters of the attempt: of the client, and perhaps of all clients
-- ARGV[1]  1 to forget all failures of the client, 0 to subtract the attempt

local function subtract(key)
  local failures = tonumber(redis.call('HGET', key, 'failures')) or 0
  if failures > 1 then
    redis.call('HINCRBY', key, 'failures', -1)
  else
    redis.call('DEL', key)
  end
end

if ARGV[1] == '1' then
  redis.call('DEL', KEYS[1])
else
  subtract(KEYS[1])
end
if KEYS[2] then
  subtract(KEYS[2])
end
