-- Read the answer about the failed records of an import, or note that they must be read from Rally.
-- Returns: the answer's fields and values; without `trouble` and `reading` it is still awaited
local read, wanted = unpack(KEYS)
local member = unpack(ARGV)
local answer = redis.call('HGETALL', read)
if #answer == 0 then
  redis.call('ZADD', wanted, clock(), member)
end
return answer
