#!lua
-- Counts an attempt as failed, unless it has to wait. See base.py.
--
-- KEYS   the counter of the client, and perhaps that of all clients
-- ARGV   five numbers for each key: the failures without a delay, the first and the longest delay, and the memory of
--        few and of many failures; then the memory of a client that waits and has not failed. Times are in seconds.
-- Returns the seconds to wait as text, 0 if the attempt was counted.
--
-- A counter is a hash of its failures and the time of the last attempt, by this server's clock: the clocks of two hosts
-- differ. With "#!lua" a server that cannot write refuses the whole script, and never a part of it.

local time = redis.call('TIME')
local now = time[1] + time[2] / 1000000

local rules = {}
for place = 1, #KEYS do
  local free, first, longest, few, many = unpack(ARGV, 5 * place - 4, 5 * place)
  rules[place] = { free = tonumber(free), first = first, longest = tonumber(longest), few = few, many = many }
end

local function delay(place, failures)
  local rule = rules[place]
  return failures < rule.free and 0 or math.min(rule.longest, rule.first * 2 ^ (failures - rule.free))
end

local function save(place, failures, seconds)
  redis.call('HSET', KEYS[place], 'failures', failures, 'at', string.format('%.6f', now))
  redis.call('PEXPIRE', KEYS[place], math.ceil(1000 * seconds))
end

local function count(place, failures)
  local rule = rules[place]
  save(place, failures, delay(place, failures) + (failures < rule.free and rule.few or rule.many))
end

local stored = redis.call('HMGET', KEYS[1], 'failures', 'at')
local failures, at = tonumber(stored[1]) or 0, tonumber(stored[2])
local total = KEYS[2] and tonumber(redis.call('HGET', KEYS[2], 'failures')) or 0
local needed = delay(1, failures)
if KEYS[2] then
  needed = math.max(needed, delay(2, total))
end

-- A clock that was set back must not prolong the delay. Without an attempt, the delay starts now.
local passed = at and math.max(0, now - at) or 0
if needed > passed then
  if not at then
    save(1, 0, needed + ARGV[#ARGV])
  elseif now < at then
    redis.call('HSET', KEYS[1], 'at', string.format('%.6f', now))
  end
  return string.format('%.6f', needed - passed)
end
count(1, failures + 1)
if KEYS[2] then
  count(2, total + 1)
end
return '0'
