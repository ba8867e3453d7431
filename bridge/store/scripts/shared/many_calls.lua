-- Follows a script that is run for many calls in one round trip; `step` is that script. An error in one call does not
-- affect the others.
-- KEYS: the keys of all calls, one call after the other
-- ARGV: for each call: the number of its keys, the number of its arguments, its arguments
-- Returns: for each call the script's reply, or the error that it raised
local function slice(list, first, count)
  local part = {}
  for i = first, first + count - 1 do
    part[#part + 1] = list[i]
  end
  return part
end

local replies, key, at = {}, 1, 1
while at <= #ARGV do
  local keys, args = tonumber(ARGV[at]), tonumber(ARGV[at + 1])
  local succeeded, reply = pcall(step, slice(KEYS, key, keys), slice(ARGV, at + 2, args))
  if not succeeded and type(reply) ~= 'table' then
    reply = {err = 'ERR ' .. tostring(reply)}
  end
  if reply == nil then
    reply = false -- nil would end the list
  end
  replies[#replies + 1] = reply
  key, at = key + keys, at + 2 + args
end
return replies
