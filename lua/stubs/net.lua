---@meta
---TLS settings, listening, dialling. A failure returns nil and an error; a wrong argument raises.

---@class filo.core.net
local net = {}

---@class filo.core.ConnectionOptions
---@field id string 32 bytes: the own node ID; of a bulk line its ticket
---@field bulk? boolean dialled: a bulk line, without TLS; accepted, with tls: also takes these
---@field tls? filo.core.Tls plain TCP when left out
---@field rates? filo.core.Rates what its streams keep to
---@field dial_timeout? number seconds (10)
---@field handshake_timeout? number seconds (10)
---@field silence_timeout? number seconds without a byte from the peer; 0: none
---@field keepalive? number seconds without a byte from a peer that was let in, before it is asked for one; 0 (the default): never
---@field message_max? integer bytes of a message before admit (4096)

---@param identity filo.Identity
---@return filo.core.Tls? tls
---@return filo.Error? err
function net.tls(identity) end

---For connections of HTTP: nothing is asked of the client.
---@param certificate string path of a chain in PEM
---@param key string path of its key
---@return filo.core.Tls? tls
---@return filo.Error? err "invalid" when they are no certificate and its key
function net.tls_server(certificate, key) end

---@param address string "host:port"; no host: every address; port 0: a free one
---@return filo.core.Listener? listener
---@return filo.Error? err
function net.listen(address) end

---For raw connections; also at "unix:path", a Unix socket of mode 0600, removed when the listener closes. One that a process that is gone
---left there is replaced.
---@param address string
---@return filo.core.Listener? listener
---@return filo.Error? err "exists" when somebody listens there, or another file is there
function net.listen_raw(address) end

---Waits until the handshake is done.
---@param address string
---@param options filo.core.ConnectionOptions
---@return filo.core.Connection? connection
---@return filo.Error? err
function net.dial(address, options) end

---A connection without frames, for other protocols.
---@param address string
---@param seconds? number
---@return filo.core.Raw? raw
---@return filo.Error? err
function net.dial_raw(address, seconds) end

---A file to pass on to another process. Does not wait for a writer of a named pipe.
---@param path string
---@return filo.core.Descriptor? descriptor
---@return filo.Error? err
function net.open(path) end

---@param text string "host:port", IPv6 in brackets
---@return string? host
---@return integer|filo.Error port
function net.address(text) end

---Bytes of all connections to peers that the process has had.
---@return integer came
---@return integer went
function net.moved() end

---What the streams of all connections keep to that are made with it. Without a limit to begin with.
---@return filo.core.Rates? rates
---@return filo.Error? err
function net.rates() end

---What of the body of a connection's request has not been read passes a sieve, which alone reads it until it is closed.
---@param connection filo.core.Http|nil none: there is no body
---@param plan filo.core.SievePlan
---@return filo.core.Sieve? sieve
---@return filo.Error? err
function net.sieve(connection, plan) end

---@class filo.core.Rates
local rates = {}

---From now on, also for streams that are open.
---@param up integer bytes a second that are sent; 0: no limit
---@param down integer the same of what is received
function rates:set(up, down) end

---@return integer up bytes that have gone, ever
---@return integer down
function rates:moved() end

---Waits, in line with the streams, until so many bytes may go, which are then taken to have gone: for those in messages.
---@param way "up"|"down"
---@param bytes integer 1 or more
---@return true
function rates:wait(way, bytes) end

---Waits until there is room that nobody else waits for.
---@param way "up"|"down"
---@return true
function rates:wait_idle(way) end

function rates:close() end

return net
