-- What is noted for the histories of watches. Precedes the scripts that note something.

local WHEN_AND_WHAT = '^%d+ %S+'

-- Append notes to a list, which keeps the last `kept`. With `kept_for`, the list is deleted that many ms after its first
-- note, in case its import was deleted without it.
local function append_notes(list, notes, kept, kept_for)
  local length = redis.call('RPUSH', list, unpack(notes))
  if kept_for and length == #notes then
    redis.call('PEXPIRE', list, kept_for)
  elseif length > tonumber(kept) then
    redis.call('LTRIM', list, -kept, -1)
  end
end

-- Append notes, but not those that end the list already: a step may be repeated after a lost reply.
local function add_notes(list, notes, kept, kept_for)
  local last = redis.call('LINDEX', list, -1)
  if not last or string.match(last, WHEN_AND_WHAT) ~= string.match(notes[#notes], WHEN_AND_WHAT) then
    append_notes(list, notes, kept, kept_for)
  end
end

-- Add a line to what is noted in the record of a watch, which keeps about the last 4,000 bytes.
local LONGEST_NOTED = 4000
local function note_in_watch(watch, line)
  local noted = (redis.call('HGET', watch, 'noted') or '') .. line .. '\n'
  if #noted > LONGEST_NOTED then
    noted = string.gsub(string.sub(noted, -LONGEST_NOTED), '^[^\n]*\n', '')
  end
  redis.call('HSET', watch, 'noted', noted)
end
