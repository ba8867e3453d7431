-- Read the open watches that wait for an import, with the records of the first `records` ones.
-- Returns: {watch id, its fields and values, empty when not read}... in the order of the ids
local waiting = unpack(KEYS)
local records, watch_prefix = unpack(ARGV)
local ids = redis.call('SMEMBERS', waiting)
table.sort(ids)
local reply = {}
for i, id in ipairs(ids) do
  reply[i] = {id, i <= tonumber(records) and redis.call('HGETALL', watch_prefix .. id) or {}}
end
return reply
