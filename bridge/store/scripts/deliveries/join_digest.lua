-- Note on a part in which digest it is.
local delivery = unpack(KEYS)
local digest = unpack(ARGV)
if redis.call('HGET', delivery, 'gathered') == '1' then
  redis.call('HSET', delivery, 'reason', 'in the digest ' .. digest)
end
return 1
