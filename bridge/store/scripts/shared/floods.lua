-- Precedes the script that bounds how often a receiver gets messages of rules.

-- Return whether `most` messages were noted in the `span` ms before now. Otherwise note this one.
local function too_frequent(key, id, most, span, now)
  redis.call('ZREMRANGEBYSCORE', key, '(' .. now + 1000, '+inf') -- from before the clock was set back
  redis.call('ZREMRANGEBYSCORE', key, '-inf', now - span)
  if redis.call('ZCARD', key) >= most then
    return true
  end
  redis.call('ZADD', key, now, id)
  redis.call('PEXPIRE', key, span)
  return false
end

-- Return whether `span` ms have passed since this last returned true for the key.
local function is_time_again(key, span, now)
  local last = tonumber(redis.call('GET', key) or 0)
  if last > now - span and last <= now + 1000 then
    return false
  end
  redis.call('SET', key, now, 'PX', span)
  return true
end
