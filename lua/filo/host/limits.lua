---How long and how much: the deadlines and bounds of a node, as `host.limits`. Seconds, unless a name says otherwise. A number that says
---nothing outside of one algorithm stands there.

return {
  -- Connections
  hello = 10,               -- for each of the first two messages
  ping = 10,                -- without a byte before the core asks for one; and between looks at this node's own free space
  strangers = 64,           -- connections that came and are not let in yet: one makes room for the next
  accepted = 256,           -- the same with those that are still closing: no more are accepted meanwhile
  rival = 3,                -- for a peer to show that it lives: a second connection with its ID comes, or it has not answered that long
  sign = 0.5,               -- the same, when it is asked only whether it has something newer than what is here
  silence = 35,             -- without a byte: the connection has gone
  redial_first = 0.1,       -- pauses of bootstrap grow from one to the other
  redial_most = 30,
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
  turn = 300,               -- for any of our turns at a peer to end, when none is free
  tell = 15,                -- without an answer of a peer that is told of deletions, before the others go on without it
  tell_again = 30,          -- pauses before those who could not take one are told again grow from one to the other
  tell_again_most = 600,
  remembered = 10000,       -- peers of which it is known whether they were told of all deletions
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
