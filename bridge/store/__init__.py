"""The store: Redis. One module for each noun; the steps that must be atomic are Lua scripts in `scripts/`.

Every key of ours begins with `rb:`; times are milliseconds on Redis' clock. Records are hashes: the few fields that
Redis compares are plain, everything private is encrypted. No record expires by itself, except the marks of pushes,
histories of ends, notes left behind, what was read on demand, what Slack asked for, batches, and sessions that were
signed out: the sweep deletes what has ended.

    rb:watch:<id>                       hash   a watch: state, deadlines, outcome; encrypted: private, ending
    rb:watches:in:<index>               zset   ids of watches; <index>: `watching`, `cancelled` or an outcome
    rb:watches:of:<client>:<index>      zset   the same, of one client
    rb:watches:about:<import>           zset   ids of the watches of an import
    rb:watches:labelled:<fingerprint>   zset   ids of the watches with a label, whatever its case
    rb:watches:expiring                 zset   open watches by the time at which their expiry must be checked
    rb:ending:<id>                      string how a watch is to end, until replicas have it and it is carried out
    rb:watches:kept_endings             zset   the ids of these watches, by the time at which the sweep carries it out
    rb:ends:<fingerprint>               list   the last ends of imports of a label or a type; expires by itself
    rb:nudges:due                       zset   open watches by the time at which it is checked whether Slack is nudged
    rb:watches:ended                    zset   ended watches, and deliveries of notices, by the start of their retention
    rb:import:<workspace>:<id>          hash   an import that is polled, or final and still answering new watches
    rb:notes:<workspace>:<id>           list   what was noted about an import for the histories of its watches
    rb:pauses:<workspace>               list   what was noted about the pauses of a workspace, for the same
    rb:waiting:<workspace>:<id>         set    the open watches that wait for an import
    rb:imports:due:<workspace>          zset   imports by tier and next poll (poll_order); while leased, by lease end
    rb:imports:leased:<workspace>       zset   imports with a poll in progress, by lease end
    rb:imports:stretched:<workspace>:<type>  zset  imports put off by proven pushes, by tier and next poll without them
    rb:imports:settling                 zset   final imports whose watches must be settled, by the time to resume
    rb:imports:final                    zset   final imports by the time at which they became final
    rb:budget:<workspace>               hash   what the workspace's rate limit still allows
    rb:delivery:<id>                    hash   a delivery: state, attempts, fence; encrypted: message
    rb:attempts:<id>                    list   its last attempts, newest first, encrypted
    rb:deliveries:in:<state>            zset   ids of the deliveries in a state
    rb:deliveries:of:<client>:<state>   zset   the same, of one client
    rb:deliveries:unreported            zset   abandoned deliveries not yet reported to the operator, by their end
    rb:deliveries:held                  zset   deliveries of rules that may still be skipped, by the time to decide it
    rb:deliveries:skipped_for:<id>      set    deliveries of rules that were skipped because of this pending one
    rb:digest:<name>                    zset   deliveries gathered for a digest; <name>: `<rule>:<lane>`; instead of
                                               a rule, `*`: all rules, `+<batch>`: a batch
    rb:batch:<id>                       zset   the open watches of a batch, and the requests that add some; expires
    rb:batch:<id>:lanes                 set    the lanes for which deliveries of the batch are gathered; expires
    rb:batch:of_key:<client>:<hash>     string the batch of a request with an Idempotency-Key; expires
    rb:digests:due                      zset   the names of these digests, by the time at which they are closed
    rb:digests:closed                   zset   `<delivery> <name>`: digests to be written, by the time to resume it
    rb:digests:ending                   zset   ended digests some of whose parts have not ended, by their end
    rb:parts:<delivery>                 zset   the deliveries that a digest is about; score: whether they have ended
    rb:record_set:<set>:<workspace>:<id> string all failed records of a reading that has only the first, encrypted
    rb:record_sets                      zset   `<set>:<workspace>:<id>`: record sets, by the next check of their use
    rb:missed:<name>                    zset   imports for a rule's summary; score: 0 if they had failures by the push
    rb:missed_told                      zset   `<receiver> <import>`: imports that summaries tell, by their last push
    rb:summaries:due                    zset   the names of these summaries, by the time at which they are closed
    rb:summaries:closed                 zset   `<delivery> <name>`: summaries to be written, by the time to resume it
    rb:summary:<delivery>               zset   the imports of a closed summary
    rb:record_read:<workspace>:<id>     hash   failed records as read on demand, encrypted; expires by itself
    rb:record_reads:wanted              zset   `<workspace>:<id>`: imports to be read on demand, by the request
    rb:lanes                            zset   the lanes in good standing with waiting deliveries, by next claim
    rb:lanes:doubtful                   zset   the clients that have doubtful lanes, by next claim
    rb:lanes:doubtful:<client>          zset   a client's doubtful lanes, by next claim
    rb:lane:<lane>                      zset   the deliveries to one receiver, by next attempt or lease end
    rb:lane:<lane>:leased               zset   its deliveries with an attempt in progress, by lease end
    rb:lane:<lane>:last                 string its last attempt was `ok` or `failing`; `quiet`: `ok` and now empty
    rb:lane:<lane>:queue                string the client in whose queue it is; empty: in rb:lanes
    rb:lane:<lane>:singles              zset   the last single messages of rules to a Slack lane, by their release
    rb:lane:<lane>:calls                zset   the last callbacks of rules to a lane, by their release
    rb:lane:<lane>:flooded              string when the operator was last told that these are many
    rb:lane:<lane>:paced                string the end of its pause, and when the pause was set
    rb:replay:<client>:<fingerprint>    hash   the reply to a request with an Idempotency-Key
    rb:replays                          zset   the keys of those replies, by their time
    rb:calls:<client>                   hash   the calls in this minute
    rb:push:seen:<workspace>:<id>       string the time of a message's first arrival, for 48 hours; expires by itself
    rb:push:first:<workspace>:<id>      string the time of an import's first push, for rules; expires by itself
    rb:push:queued:<workspace>:<id>     hash   a push, by its message id, that the rules must see
    rb:pushes:due                       zset   the queued pushes, by their time or lease end
    rb:push:stats:<workspace>           hash   pushes by result and event; the last one of each event
    rb:push:awaited:<workspace>         zset   imports that ended without a push, by the time at which it is a miss
    rb:push:awaited_types:<workspace>   hash   the types of these imports
    rb:push:proof:<workspace>           hash   for each type of import: ends with a push, and ends without
    rb:living:<receiver>:<workspace>:<id> hash a living message: phase, open watches; encrypted: how Slack names it.
                                               Expires by itself once its import has ended
    rb:living:in:<phase>                zset   living messages that are `waiting`, `shown` or `ending`, by the next look
    rb:rules:stats:<rule>               hash   what became of the pushes that a rule covers
    rb:slack:request:<team>:<hash>      string the answer to a request of Slack, encrypted; expires after 10 minutes
    rb:slack:deed:<team>:<hash>         string marks what someone asked for, so that a double click does it once
    rb:slack:wish:<watch>               string a watch that was asked for in Slack and is not accepted yet, encrypted
    rb:slack:wished:<channel>:<workspace>:<id> string the watch that was asked for there, so that it is kept once
    rb:slack:wishes                     zset   the ids of these watches, by the time at which a worker accepts them
    rb:slack:end_buttons                zset   watches whose messages about the end may need another button
    rb:slack:channel:<channel>          zset   watches made in Slack for a channel, by their expiry; expires by itself
    rb:figures:minute:<moment>          hash   what happened in a minute, for the console; expires by itself
    rb:figures:hour:<moment>            hash   the same of an hour; expires by itself
    rb:console:ended:<session>          string a session of the console that was signed out; expires by itself
    rb:wakeups                          list   one element after a job was put into rb:queue, until a worker reads it
    rb:changes                          channel  one a line: `watch:<id>`, `import:<workspace>:<id>`, `record_read:…`
    rb:fence                            int    the fences issued so far
    rb:clock                            int    the latest time seen, to detect that the clock was set back
    rb:schema                           int    the version of this layout; only it and its neighbours are read
    rb:workers                          hash   the last heartbeat of each worker, by its id
    rb:apis                             hash   the last heartbeat of each process of the API, by its id
    rb:evicts                           string exists while Redis may evict watches and the operator has been notified
    rb:replicated                       string written before WAIT, if replicas are required
    rb:alarms                           hash   problems that last, by kind and subject; whether the operator was told
    rb:receivers:failing                hash   `<since> <failures> <delivery>` by lane: its last attempt failed
    rb:turn:<name>                      string exists while one process does what the fleet does once; expires by itself
    rb:full:not_told                    string deleted when the operator is told that Redis is full; needs no memory
    rb:full:known                       string exists once the key above was written
    rb:check                            string written by /readyz to check that Redis accepts writes
    rb:store_key                        string the store's own key, encrypted: for fingerprints, and to check our keys

Keys that other parts of the bridge write:

    rb:queue                            zset   the ids of arq's jobs (bridge.queue)
    rb:queue:health-check               string exists while a worker is alive
    arq:job:<id>                        string a job, until it has run; arq:in-progress:<id> and arq:retry:<id> as well
    rb:check:<id>:…                     string written by `rally-bridge doctor` for a second (bridge.cli.doctor)
    rb:sandbox                          string exists if `rally-bridge up --sandbox` has stored its data here
"""
