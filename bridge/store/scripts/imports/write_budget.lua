-- Write a budget that was computed from `version`, unless it was overwritten meanwhile.
-- Arguments: `notes` is the number of notes about pauses. Further arguments: the notes, then field, value, ...
-- Returns: 1, or 0 when it was overwritten
local budget, pauses = unpack(KEYS)
local version, notes, notes_kept = unpack(ARGV, 1, 3)
local FIRST_NOTE = 4
if (redis.call('HGET', budget, 'version') or '0') ~= version then
  return 0
end
redis.call('HSET', budget, 'version', version + 1, 'written_at', clock(), unpack(ARGV, FIRST_NOTE + notes))
if notes ~= '0' then
  add_notes(pauses, {unpack(ARGV, FIRST_NOTE, FIRST_NOTE - 1 + notes)}, notes_kept)
end
return 1
