-- Create a delivery for an operator notice, which belongs to no watch, and mark the deliveries it reports as reported.
-- Arguments: `reported` is the number of those deliveries. Further arguments: their ids, then field, value, ...
-- Returns: now, or 0 when one of them was reported already, or the delivery exists
local delivery, unreported = unpack(KEYS)
local id, lane, client, reported = unpack(ARGV, 1, 4)
local FIRST_REPORTED = 5
local first_field = FIRST_REPORTED + tonumber(reported)
local now = clock()
if redis.call('EXISTS', delivery) == 1 then
  return 0
end
for i = FIRST_REPORTED, first_field - 1 do
  if not redis.call('ZSCORE', unreported, ARGV[i]) then
    return 0
  end
end
for i = FIRST_REPORTED, first_field - 1 do
  redis.call('ZREM', unreported, ARGV[i])
end
create_message(delivery, id, lane, client, now, unpack(ARGV, first_field))
return now
