-- Store which button the message of a delivery has in Slack, or how often the edit for it has failed.
-- Returns: 1, or 0 if the delivery was deleted
local delivery = unpack(KEYS)
local button, button_failures = unpack(ARGV)
if redis.call('EXISTS', delivery) == 0 then
  return 0
end
redis.call('HSET', delivery, 'button', button, 'button_failures', button_failures)
return 1
