-- Return the layout version of the stored data. An empty database is marked with this version's layout.
-- Further keys: of these, data of any layout has at least one. Without them a missing version counts as evicted.
-- Returns: the stored version, or '' when there is data without a version
local layout_mark = unpack(KEYS, 1, 1)
local version = unpack(ARGV)
local stored = redis.call('GET', layout_mark)
if stored then
  return stored
end
if #KEYS > 1 and redis.call('EXISTS', unpack(KEYS, 2)) > 0 then
  return ''
end
redis.call('SET', layout_mark, version)
return version
