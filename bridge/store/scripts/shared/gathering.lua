-- Precedes the scripts that let deliveries wait for a digest. Such a delivery is pending, but in no lane: `gathered` is 1 in
-- its record.
local DIGESTS_DUE = 'rb:digests:due'

-- Let a pending delivery wait for the digest `name`, which is sent at `due` if this is the first delivery in it.
local function gather(delivery, id, name, due, now)
  redis.call('ZADD', 'rb:digest:' .. name, 0, id)
  redis.call('ZADD', DIGESTS_DUE, 'NX', due, name)
  redis.call('HSET', delivery, 'gathered', 1, 'due', redis.call('ZSCORE', DIGESTS_DUE, name), 'scheduled_at', now,
    'reason', 'waits for a digest')
end
