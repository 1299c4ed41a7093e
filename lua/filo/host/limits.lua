---How long and how much: the deadlines and bounds of a node, as `host.limits`. Seconds, unless a name says otherwise. A number that says
---nothing outside of one algorithm stands there.

return {
  -- Connections
  hello = 10,               -- for each of the first two messages
  ping = 10,                -- without a byte before the core asks for one; and between looks at this node's own free space
  strangers = 64,           -- connections that came and are not let in yet: one makes room for the next
  accepted = 256,           -- the same with those that are still closing: no more are accepted meanwhile
  rival = 3,                -- for a peer to show that it lives, when a second connection with its ID comes
  pulse = 2,                -- without a byte until who is waited for is asked for a sign of life, and then until it is given up
  sign = 0.5,               -- the same, when it is asked only whether it has something newer than what is here
  silence = 35,             -- without a byte: the connection has gone
  redial_first = 0.1,       -- pauses of bootstrap grow from one to the other
  redial_most = 30,
  dials = 16,               -- members that are tried at once
  gossip = 0.2,             -- pause after what is new of members was told to all
  late = 5,                 -- until who has just gone, or is only just known of, is not waited for with what is stored
  suspect = 5,              -- until a member that has gone is told of as away
  members = 256,            -- that are known; each is connected to each
  request = 30,             -- for an answer, when the script gives no deadline
  questions = 128,          -- of Filo's own to one peer at once
  requests = 256,           -- of one peer, answered at once; more are told that this node is busy
  request_bytes = 16 << 20, -- the same of their messages
  request_cost = 4096,      -- bytes that answering one takes beside its message
  requests_of_all = 64 << 20, -- bytes of both, of all peers: then each may have a part of its own
  request_part = 192 << 10, -- bytes of that part: one of Filo's own questions fits in, and some that are short
  streams = 16,             -- that scripts of one peer have opened here, at once
  stream_cost = 512 << 10,  -- bytes that one takes at most, beside the request that opened it
  streams_of_all = 128 << 20, -- bytes of both, of all peers: then each may have a part of its own
  stream_part = 576 << 10,  -- bytes of that part: one stream fits in
  backlog = 64 << 20,       -- bytes that wait to be sent, to all peers: then who has most of it is dropped
  peers = 256,              -- that came, beside those that are dialled or listed: one makes room for the next

  -- Finding and fetching
  find = 15,                -- for an answer
  generations = 2,          -- for peers that have just come to tell with which keys something is written
  patience = 0.2,           -- for further answers once a good one is there
  stall = 5,                -- without bytes before a holder is given up, when there is another
  last_stall = 20,          -- the same for the only holder
  keeping = 64,             -- small objects that were handed out, and whose copies here are still being written: later ones wait for theirs
  least_bytes = 65536,      -- in that time, or in send_stall: less counts as none

  -- Making copies
  inline = 65536,           -- bytes of content up to which it travels within the message that offers or answers it
  send_stall = 15,          -- in which next to no bytes move before a peer is given up
  publish = 300,            -- from the last byte to the peer's word that it has published
  paced = 2,                -- small objects on their way at once to a peer that keeps to a rate
  turn = 300,               -- for any of our turns at a peer to end, when none is free
  tell = 15,                -- without an answer of a peer that is told of deletions, before the others go on without it
  tell_in_step = 5,         -- until a peer has said which deletions it holds; it is told of all then
  tell_again = 30,          -- pauses before those who could not take one are told again grow from one to the other
  tell_again_most = 600,
  remembered = 10000,       -- peers of which it is known whether they were told of all deletions
  repair_start = 120,       -- from a node's start until it makes copies that are missing: others come back, too
  repair = 3600,            -- between looks at all that lies here
  repair_settle = 5,        -- from what happens to members until that: more may happen
  repair_again = 60,        -- pauses while copies are missing, or somebody cannot tell, grow from one to the other
  repair_again_most = 600,
  repair_share = 1,         -- seconds of rest for each second of finding out what is missing
  repair_denied = 86400,    -- until a member is asked again for what its policy has refused
  repair_denials = 10000,   -- of these that are remembered
  repair_mute = 600,        -- until what somebody should have who cannot tell counts as missing
  repair_rest = 4,          -- seconds of rest for each second that a look took, whatever happens
  repair_turn = 30,         -- for others who have a copy to act
  dropped = 86400,          -- for which a copy stays that was one too many, and came back
  vouched = 3600,           -- for which a copy stays that another node was shown to be good
  repairs = 8,              -- copies that are made at once
  in_step = 60,             -- between looks whether what is known of peers has changed since they and this node said the same
  in_step_note = 1,         -- until copies that were made are noted, together with others
  in_step_fresh = 30,       -- for which that counts when copies are looked after
  in_step_most = 3600,      -- pauses before one who does not come to be in step is tried again grow from one to the other
  in_step_share = 0.5,      -- seconds of rest for each second that it takes
  in_step_buckets = 16,     -- of which the prints are asked for at once
  in_step_leaves = 256,     -- ranges of leaves of which the marks are
  in_step_few = 256,        -- objects, up to which no prints of parts are worth their bytes
  in_step_looks = 24,       -- in so many looks at all that lies here, peers are asked about each object once, whatever is known
  follow = 60,              -- between looks at what is new in the lists of peers
  follow_again = 0.5,       -- pauses before one who could not answer is asked again grow from this to that
  follow_share = 0.5,       -- seconds of rest for each second that reading a list takes
  walk_share = 10,          -- of the time, one part in so many may go into reading all that lies here for peers that have come
  copied = 16 << 20,        -- bytes a second that a disk copies at least, where a peer has the content under an older record
  busy_tries = 8,           -- at a peer that is busy, with growing pauses between them
  busy_pause = 0.05,

  -- Storing
  read_tries = 3,           -- of a file that changes while it is read
  read_pause = 0.2,         -- between them
  tick = 0.02,              -- a file may be written twice at the same time of its file system's clock
  coarse_tick = 2.5,        -- the same where that counts seconds

  -- New records for what is here
  rotate_share = 1,         -- seconds of rest for each second that is spent on it
  rotate_look = 60,         -- between looks for what has come without one
  rotate_again = 30,        -- pauses before what failed is tried again grow from one to the other
  rotate_again_most = 600,

  -- The disk
  sweep = 3600,             -- between looks at what is kept of copies that never became whole
  pack_first = 1800,        -- after the start, until it is looked for deletions that may be packed
  pack = 86400,             -- between such looks
  pack_after = 86400,       -- that a deletion is a file, at least

  -- Reading all that lies here again, and bad copies
  scrub_first = 120,        -- after the start
  scrub_look = 3600,        -- at most, between looks at the clock while there is nothing to do
  scrub_share = 3,          -- seconds of rest for each second that is spent on it
  scrub_rate = 64 << 20,    -- bytes a second at most
  scrub_rest = 0.05,        -- that are rested at once, at least
  scrub_note = 60,          -- between notes of how far it is
  heal = 5,                 -- until what was found bad is fetched: who reads it has begun with that already
  heal_again = 60,          -- pauses before what could not be had is tried again grow from one to the other
  heal_again_most = 6 * 3600,
  heal_share = 1,           -- seconds of rest for each second that it takes
  heals = 2,                -- fetched at once
  healing = 4096,           -- copies in the list; others wait in `bad`

  -- Serving
  landings = 16,            -- copies on their way in at once
  landings_of_peer = 4,     -- the same from one peer
  landing_turn = 60,        -- until the slowest copy makes room for another, when all slots are taken
  offer = 10,               -- between an offer and its bytes
  reads_of_peer = 8,        -- objects that one peer reads at once
  reads = 64,               -- the same of all peers: then each may have a part of its own
  read_part = 1,            -- objects of that part
  checks = 4,               -- copies checked at once because their owners found them bad
  recheck = 600,            -- until one that was good is checked again for that
  proof = 16,               -- chunks of a copy that are read and checked when a peer asks once whether it is good
  prove = 30,               -- for an answer to that
  asked = 256,              -- copies of which a peer is asked at once whether it has them
  listed = 64,              -- records of what is held for an owner that he is told of at once
  listed_bytes = 256 << 10, -- the same of their bytes

  -- Scripts, the log and closing
  hook = 5,
  compute = 5,              -- without waiting, by a hook, a policy, what node.lua does, or a line of a prompt within the node:
                            -- nobody is served meanwhile
  report = 60,              -- until a peer may provoke a line of the same kind in the log
  reports = 100,            -- lines that all peers may provoke in that time
  close_tasks = 3,          -- for all tasks to end
  close_disk = 10,          -- for what is being written to be written

  -- Programs that scripts start
  output = 64 << 20,        -- bytes that one may write to `run`
  parting = 2,              -- between SIGTERM and SIGKILL: less than Filo itself has to end
  left_running = 1,         -- without a byte of what one that has ended left running

  -- `filo serve`
  answer = 8,               -- of a running node to what it answers at once: more than `compute`, and what a script then has to clean up
  stop = 4,                 -- for the node to end before the process does
}
