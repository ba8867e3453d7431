-- Store a watch and start polling its import. An import that is already being polled is shared. A final import that is
-- recent enough answers without a poll. With an idempotency key the first reply is stored and replayed.
-- Unless `limit` is '', this is a call of the client, which must fit into the limit of its minute.
-- Arguments in ms: grace, expires_in, reuse, replayed_for. `digest` is that of the request, or '' without a key. `by_rule`
-- is 1 for the watch of a rule; `label` is the fingerprint of the watch's label, or ''; `batch` is the id of a batch that is
-- told in digests, or ''; `living` lists the receivers of living messages, each followed by its lane; `checked_in` ms from
-- now it is checked whether Slack is nudged, 0: never; `private` is encrypted.
-- Returns: {'new' | 'joined' | 'final' | 'known' | 'replayed' | 'conflict', watch id, now, grace, expires_in,
--           next poll or -1, the import's fields and values}; {'over_limit', '', ms until the next minute}
local watch, watching, watching_of_client, watches_about, expiring, import, waiting, imports_due, imports_leased,
  settling, final, replay, replays, calls = unpack(KEYS)
local watch_id, client, workspace, import_id, member, grace, expires_in, reuse, digest, replayed_for, limit, by_rule,
  label, batch, living, checked_in, private = unpack(ARGV)
local now = clock()
grace, expires_in, reuse = tonumber(grace), tonumber(expires_in), tonumber(reuse)

local is_known = redis.call('EXISTS', watch) == 1 -- the first reply was lost, and the same call is repeated
if limit ~= '' and not is_known then
  local wait = count_calls(calls, limit, 1, now)
  if wait > 0 then
    return {'over_limit', '', wait}
  end
end
if digest ~= '' then
  local stored = redis.call('HMGET', replay, 'digest', 'watch', 'at', 'grace', 'expires_in', 'due')
  if stored[1] and now < tonumber(stored[3]) + tonumber(replayed_for) then
    if stored[1] ~= digest then
      return {'conflict', '', now, 0, 0, -1, {}}
    end
    local record = {}
    local fields = redis.call('HGETALL', replay)
    for i = 1, #fields, 2 do
      if string.sub(fields[i], 1, 2) == 'i:' then
        record[#record + 1] = string.sub(fields[i], 3)
        record[#record + 1] = fields[i + 1]
      end
    end
    return {'replayed', stored[2], tonumber(stored[3]), tonumber(stored[4]), tonumber(stored[5]), tonumber(stored[6]),
      record}
  end
end
local function next_poll()
  local score = redis.call('ZSCORE', imports_due, import_id)
  return score and moment_of(score) or -1
end
if is_known then
  return {'known', watch_id, now, grace, expires_in, next_poll(), redis.call('HGETALL', import)}
end

redis.call('HSET', watch, 'state', 'watching', 'created_at', now, 'grace_until', now + math.min(grace, expires_in),
  'expires_at', now + expires_in, 'client', client, 'workspace', workspace, 'import_id', import_id, 'private', private)
redis.call('ZADD', watching, 0, watch_id)
redis.call('ZADD', watching_of_client, 0, watch_id)
redis.call('ZADD', watches_about, 0, watch_id)
redis.call('ZADD', expiring, now + expires_in, watch_id)
if label ~= '' then
  redis.call('HSET', watch, 'label', label)
  redis.call('ZADD', 'rb:watches:labelled:' .. label, 0, watch_id)
end
redis.call('SADD', waiting, watch_id)
if checked_in ~= '0' then
  redis.call('ZADD', 'rb:nudges:due', now + checked_in, watch_id)
end
if batch ~= '' then
  redis.call('HSET', watch, 'batch', batch)
  join_batch(batch, watch_id, 0)
end

local function find_or_create_import()
  local record = redis.call('HMGET', import, 'state', 'final_at', 'by_rule')
  if record[1] == 'open' then
    if record[3] == '1' and by_rule == '0' then
      redis.call('HDEL', import, 'by_rule')
      poll_at_once(import, imports_due, imports_leased, import_id, now)
    end
    return 'joined', next_poll(), redis.call('HGETALL', import)
  end
  if record[1] == 'final' and math.abs(now - record[2]) < reuse then
    redis.call('ZADD', settling, now, member)
    return 'final', -1, redis.call('HGETALL', import)
  end
  if record[1] then
    redis.call('DEL', import, 'rb:notes:' .. member)
    redis.call('ZREM', final, member)
  end
  redis.call('ZREM', settling, member)
  local new = {'state', 'open', 'first_at', now, 'polls', 0, 'faults', 0}
  redis.call('HSET', import, unpack(new))
  if by_rule == '1' then
    redis.call('HSET', import, 'by_rule', 1)
  end
  redis.call('ZADD', imports_due, first_tier(by_rule) + now, import_id)
  return 'new', now, new
end

local acceptance, due, record = find_or_create_import()
if living ~= '' and acceptance ~= 'final' then
  join_living(watch, living, member, now)
end
if digest ~= '' then
  local reply = {'digest', digest, 'watch', watch_id, 'at', now, 'grace', grace, 'expires_in', expires_in, 'due', due}
  for i = 1, #record, 2 do
    reply[#reply + 1] = 'i:' .. record[i]
    reply[#reply + 1] = record[i + 1]
  end
  redis.call('DEL', replay)
  redis.call('HSET', replay, unpack(reply))
  redis.call('ZADD', replays, now, replay)
end
return {acceptance, watch_id, now, grace, expires_in, due, record}
