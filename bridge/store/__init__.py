"""The memory: Redis. One module for each noun; the steps that must be atomic stand in `scripts/`.

Every key begins with `rb:`; moments are milliseconds on Redis' clock. Records are hashes: a few hot fields in the
clear, and sealed ones for everything private. No record expires by itself: the sweep ends what has ended.

    rb:watch:<id>                       hash   a watch: state, deadlines, outcome; sealed: private, ending
    rb:watches:in:<ending>              zset   the watches that are watching, are cancelled, or had an outcome, by id
    rb:watches:of:<client>:<ending>     zset   one client's, likewise
    rb:watches:about:<import>           zset   the watches of an import, by id
    rb:watches:expiring                 zset   open watches by the moment their expiry must be looked at
    rb:watches:ended                    zset   ended watches, and deliveries of notices, by when their retention begins
    rb:import:<workspace>:<id>          hash   an import being polled, or final and still answering new watches
    rb:waiting:<workspace>:<id>         set    the open watches that wait for it
    rb:imports:due:<workspace>          zset   imports by tier and next poll (poll_order); while leased, by its end
    rb:imports:leased:<workspace>       zset   imports that are asked about just now, by the end of their lease
    rb:imports:settling                 zset   final imports whose watches must be told, by the moment to resume
    rb:imports:final                    zset   final imports by the moment they became so
    rb:budget:<workspace>               hash   what the workspace's rate limit still allows
    rb:delivery:<id>                    hash   a delivery: state, attempts, fence; sealed: message
    rb:attempts:<id>                    list   its last attempts, newest first, sealed
    rb:deliveries:in:<state>            zset   the deliveries in a state, by id
    rb:deliveries:of:<client>:<state>   zset   one client's, likewise
    rb:deliveries:untold                zset   abandoned ones of which the operator was not told yet, by when they were
    rb:lanes                            zset   the lanes in good standing in which deliveries wait, by when each may be
                                               claimed from
    rb:lanes:doubtful                   zset   the clients that have doubtful lanes, by when it is their turn
    rb:lanes:doubtful:<client>          zset   a client's doubtful lanes, by when each may be claimed from
    rb:lane:<lane>                      zset   what goes to one place, by the moment of the next attempt, or lease end
    rb:lane:<lane>:leased               zset   those that are being attempted, by the end of their lease
    rb:lane:<lane>:last                 string its last attempt was `ok` or `failing`; `quiet`: `ok`, and nothing waits
    rb:lane:<lane>:queue                string the client in whose queue it stands; empty: rb:lanes
    rb:lane:<lane>:paced                string nothing goes there before this moment; and when that was set
    rb:replay:<client>:<mark>           hash   the answer to a request with an Idempotency-Key
    rb:calls:<client>                 hash   how often a client has called in which minute
    rb:replays                          zset   those answers, by when they were given
    rb:rings                            list   an element while a job of arq's (rb:queue) was enqueued unseen
    rb:news                             channel  `watch:<id>`, `import:<workspace>:<id>`: something about it changed
    rb:fence                            int    the fences given out so far
    rb:clock                            int    the latest moment noted, to see when the clock is set back
    rb:schema                           int    the version of this layout; another version's data is not served
    rb:evicts                           string there while Redis drops watches, once the operator was told of it
    rb:check                            string written by /readyz, to see that writes are taken
    rb:seal                             string the store's own key, sealed: shows whether ours open it, and marks lanes
"""
