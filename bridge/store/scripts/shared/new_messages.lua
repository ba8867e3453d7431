-- Precedes the scripts that create a delivery without a watch: of a digest, a summary or a notice.

-- Create the delivery, which is due now. Further parameters: field, value, ...
local function create_message(delivery, id, lane, client, now, ...)
  redis.call('HSET', delivery, 'state', 'pending', 'queued_at', now, 'due', now, 'lane', lane, 'client', client,
    'watch', '', ...)
  add_to_index(id, client, 'pending')
  enqueue(lane, id, now, now)
end
