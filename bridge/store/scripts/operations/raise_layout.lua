-- Mark data of the previous layout with this version's layout, unless a worker or an API of an older layout is alive.
-- A heartbeat that names no layout is older. Arguments: `alive_for` in ms.
-- Returns: 1 if the mark was raised, else 0
local layout_mark, workers, apis = unpack(KEYS)
local version, alive_for = unpack(ARGV)
if redis.call('GET', layout_mark) ~= tostring(tonumber(version) - 1) then
  return 0
end
local now = clock()
for _, processes in ipairs({workers, apis}) do
  local all = redis.call('HVALS', processes)
  for i = 1, #all do
    local at, facts = string.match(all[i], '^(%d+) (.*)$')
    local layout = cjson.decode(facts).layout or 0
    if layout < tonumber(version) and math.abs(now - tonumber(at)) < tonumber(alive_for) then
      return 0
    end
  end
end
redis.call('SET', layout_mark, version)
return 1
