-- Store a watch, and have its import polled: a new import at once, one that is being polled as it stands; a final
-- one that is recent enough answers without a poll. With an idempotency key the first answer is kept, and given again.
-- KEYS: watch, watching, the client's watching, about the import, expiring, import, its waiting watches, imports due,
--       settling, final, the kept answer, all kept answers
-- ARGV: offset, watch id, import id, settling member, grace, expires in, reuse (all ms), digest of the request
--       or '', how long an answer is kept (ms), field, value, ...
-- Returns: {'new' | 'joined' | 'final' | 'known' | 'replayed' | 'conflict', watch id, now, grace, expires in,
--           when the import is polled next or -1, its fields and values}
local now = clock()
local watch_id, import_id, member = ARGV[2], ARGV[3], ARGV[4]
local grace, expires_in, reuse = tonumber(ARGV[5]), tonumber(ARGV[6]), tonumber(ARGV[7])
local digest = ARGV[8]

if digest ~= '' then
  local kept = redis.call('HMGET', KEYS[11], 'digest', 'watch', 'at', 'grace', 'expires_in', 'due')
  if kept[1] and now < tonumber(kept[3]) + tonumber(ARGV[9]) then
    if kept[1] ~= digest then
      return {'conflict', '', now, 0, 0, -1, {}}
    end
    local import = {}
    local fields = redis.call('HGETALL', KEYS[11])
    for i = 1, #fields, 2 do
      if string.sub(fields[i], 1, 2) == 'i:' then
        import[#import + 1] = string.sub(fields[i], 3)
        import[#import + 1] = fields[i + 1]
      end
    end
    return {'replayed', kept[2], tonumber(kept[3]), tonumber(kept[4]), tonumber(kept[5]), tonumber(kept[6]), import}
  end
end
local function next_poll()
  local score = redis.call('ZSCORE', KEYS[8], import_id)
  return score and moment_of(score) or -1
end
if redis.call('EXISTS', KEYS[1]) == 1 then
  return {'known', watch_id, now, grace, expires_in, next_poll(), redis.call('HGETALL', KEYS[6])}
end

local record = {'state', 'watching', 'created_at', now,
  'grace_until', now + math.min(grace, expires_in), 'expires_at', now + expires_in}
for i = 10, #ARGV do
  record[#record + 1] = ARGV[i]
end
redis.call('HSET', KEYS[1], unpack(record))
redis.call('ZADD', KEYS[2], 0, watch_id)
redis.call('ZADD', KEYS[3], 0, watch_id)
redis.call('ZADD', KEYS[4], 0, watch_id)
redis.call('ZADD', KEYS[5], now + expires_in, watch_id)
redis.call('SADD', KEYS[7], watch_id)

local function find_or_begin()
  local import = redis.call('HMGET', KEYS[6], 'state', 'final_at')
  if import[1] == 'open' then
    return 'joined', next_poll(), redis.call('HGETALL', KEYS[6])
  end
  if import[1] == 'final' and math.abs(now - import[2]) < reuse then
    redis.call('ZADD', KEYS[9], now, member)
    return 'final', -1, redis.call('HGETALL', KEYS[6])
  end
  if import[1] then
    redis.call('DEL', KEYS[6])
    redis.call('ZREM', KEYS[10], member)
  end
  redis.call('ZREM', KEYS[9], member)
  local new = {'state', 'open', 'first_at', now, 'polls', 0, 'faults', 0}
  redis.call('HSET', KEYS[6], unpack(new))
  redis.call('ZADD', KEYS[8], now, import_id) -- of the first tier
  return 'new', now, new
end

local joined, due, import = find_or_begin()
if digest ~= '' then
  local answer = {'digest', digest, 'watch', watch_id, 'at', now, 'grace', grace, 'expires_in', expires_in, 'due', due}
  for i = 1, #import, 2 do
    answer[#answer + 1] = 'i:' .. import[i]
    answer[#answer + 1] = import[i + 1]
  end
  redis.call('DEL', KEYS[11])
  redis.call('HSET', KEYS[11], unpack(answer))
  redis.call('ZADD', KEYS[12], now, KEYS[11])
end
return {joined, watch_id, now, grace, expires_in, due, import}
