-- Read the open watches that wait for an import, with the records of the first ones.
-- KEYS: the import's waiting watches
-- ARGV: offset, how many records, prefix of watch keys
-- Returns: {watch id, its fields and values, empty where they were not read}... in the order of the ids
local ids = redis.call('SMEMBERS', KEYS[1])
table.sort(ids)
local reply = {}
for i, id in ipairs(ids) do
  reply[i] = {id, i <= tonumber(ARGV[2]) and redis.call('HGETALL', ARGV[3] .. id) or {}}
end
return reply
