#!lua
-- Takes from token buckets: any number of claims in one call, each all or nothing.
--
-- KEYS     the buckets, each once ARGV[1]  three numbers for each: capacity, refill per second, and the refund, which
-- comes before all claims ARGV[2]  the claims, one after another: the number of its buckets; then for each bucket its
-- index in KEYS and the cost Returns, for each claim, 1 if it was granted, else 0, and then the level of each of its
-- buckets after it.
--
-- Numbers are sent and stored as little-endian doubles, exact for whole numbers to 2^53. A stored bucket is its level
-- and the time of that level, in microseconds by this server's clock; a missing bucket is full. With "#!lua" a server
-- that cannot write refuses the whole script, and never a part of it.

-- A bucket that refills even more slowly is full after this many milliseconds without a claim.
local LONGEST = 30 * 24 * 60 * 60 * 1000

local function numbers(text)
  return { struct.unpack('<' .. string.rep('d', #text / 8), text) }
end

local time = redis.call('TIME')
local now = time[1] * 1000000 + time[2]
local limits, claims = numbers(ARGV[1]), numbers(ARGV[2])
local stored = redis.call('MGET', unpack(KEYS))
local levels, changed = {}, {}

for place = 1, #KEYS do
  local capacity, refill, back = limits[3 * place - 2], limits[3 * place - 1], limits[3 * place]
  local level, at = capacity, now
  if stored[place] and #stored[place] == 16 then
    level, at = struct.unpack('<dd', stored[place])
    level = math.min(capacity, level + math.max(0, now - at) * refill / 1000000)
  end
  levels[place] = math.min(capacity, level + back)
  -- A clock that was set back must not stop the refill until it reaches the old time again.
  changed[place] = back > 0 or now < at
end

local reply = {}
-- After the numbers, struct.unpack returns the position at which it stopped.
local claim, stop = 1, #claims
while claim < stop do
  local first = claim + 1
  local last = claim + 2 * claims[claim] - 1
  local granted = 1
  for cost = first, last, 2 do
    if levels[claims[cost]] < claims[cost + 1] then
      granted = 0
    end
  end
  reply[#reply + 1] = granted
  for cost = first, last, 2 do
    local place = claims[cost]
    if granted == 1 and claims[cost + 1] > 0 then
      levels[place] = levels[place] - claims[cost + 1]
      changed[place] = true
    end
    reply[#reply + 1] = levels[place]
  end
  claim = last + 2
end

for place, key in ipairs(KEYS) do
  local missing = limits[3 * place - 2] - levels[place]
  if changed[place] and missing > 0 then
    local full_after = math.min(LONGEST, math.ceil(1000 * missing / limits[3 * place - 1]))
    redis.call('SET', key, struct.pack('<dd', levels[place], now), 'PX', full_after)
  elseif changed[place] then
    redis.call('DEL', key)
  end
end

return struct.pack('<' .. string.rep('d', #reply), unpack(reply))
