-- Precedes the scripts of batches, whose watches are told in digests. `rb:batch:<id>` has what the digests wait for: the
-- open watches (score 0), and the requests that still add watches. The score of a request is the time from which it no
-- longer counts, in case its process has died.
local BATCH_KEPT_FOR = 31 * 86400000 -- longer than the longest watch

local function batch_key(batch)
  return 'rb:batch:' .. batch
end

-- Return the name of a batch's digest for a lane.
local function batch_digest(batch, lane)
  return '+' .. batch .. ':' .. lane
end

-- Let the digests of a batch wait for a watch or a request.
local function join_batch(batch, member, score)
  redis.call('ZADD', batch_key(batch), score, member)
  redis.call('PEXPIRE', batch_key(batch), BATCH_KEPT_FOR)
end

-- Let the digests of a batch wait no more for a watch or a request; return whether they wait for nothing more.
local function leave_batch(batch, member, now)
  redis.call('ZREM', batch_key(batch), member)
  redis.call('ZREMRANGEBYSCORE', batch_key(batch), '(0', now)
  return redis.call('EXISTS', batch_key(batch)) == 0
end

-- Make a delivery of a batch wait for the digest of its lane.
local function gather_in_batch(batch, delivery, id, lane, due, now)
  redis.call('SADD', batch_key(batch) .. ':lanes', lane)
  redis.call('PEXPIRE', batch_key(batch) .. ':lanes', BATCH_KEPT_FOR)
  gather(delivery, id, batch_digest(batch, lane), due, now)
end

-- Make what is gathered of a batch due now.
local function complete_batch(batch, now)
  for _, lane in ipairs(redis.call('SMEMBERS', batch_key(batch) .. ':lanes')) do
    redis.call('ZADD', DIGESTS_DUE, 'XX', 'LT', now, batch_digest(batch, lane))
  end
  redis.call('DEL', batch_key(batch) .. ':lanes')
end
