-- Read which layout the stored data has; where nothing is stored yet, it is ours from now on.
-- KEYS: schema, then keys of which data of any layout has at least one (none: the version may have been evicted)
-- ARGV: offset, our layout's version
-- Returns: the version of the stored data, or '' where it names none
local stored = redis.call('GET', KEYS[1])
if stored then
  return stored
end
if #KEYS > 1 and redis.call('EXISTS', unpack(KEYS, 2)) > 0 then
  return ''
end
redis.call('SET', KEYS[1], ARGV[2])
return ARGV[2]
