-- Store a worker's heartbeat as '<now> <facts>', and delete the heartbeats that are too old to be listed.
-- Arguments: `remembered_for` in ms.
local workers = unpack(KEYS)
local worker_id, facts, remembered_for = unpack(ARGV)
local now = clock()
redis.call('HSET', workers, worker_id, now .. ' ' .. facts)
local all = redis.call('HGETALL', workers)
for i = 1, #all, 2 do
  local at = tonumber(string.match(all[i + 1], '^%d+'))
  if at < now - tonumber(remembered_for) then
    redis.call('HDEL', workers, all[i])
  end
end
return now
