---@meta
---What filo.core.net gives. A failure returns nil and an error; a wrong argument raises. Each of these may be a `<close>`
---variable.

---An own certificate, made from the identity; shared by connections.
---@class filo.core.Tls
local tls = {}

---Waits for connections at an address.
---@class filo.core.Listener
local listener = {}

---A framed connection to a peer: messages are Lua tables, objects travel beside them.
---@class filo.core.Connection
local connection = {}

---A sealed object, or some of its chunks, on its way.
---@class filo.core.Transfer
local transfer = {}

---Bytes, as they come.
---@class filo.core.Raw
local raw = {}

---Bytes between two scripts, both ways. Closed by the garbage collector too, at both ends.
---@class filo.Stream
local stream = {}

---An open file, to pass to another process or passed by one. Closed by the garbage collector too.
---@class filo.core.Descriptor
local descriptor = {}

function descriptor:close() end

function tls:close() end

---@class filo.core.HttpOptions
---@field http true
---@field tls? filo.core.Tls of net.tls_server
---@field idle number seconds until the first byte of a request: then the connection ends
---@field head number seconds from there until its head is whole; until TLS has said hello
---@field stall number seconds in which the client has sent nothing of a body, or taken nothing of an answer

---Waits for the next connection, whose handshake is still to come (see ready); a raw one without options.
---@param options? filo.core.ConnectionOptions|filo.core.HttpOptions
---@return filo.core.Connection|filo.core.Raw|filo.core.Http|nil connection
---@return boolean|filo.Error scarce  it has taken one of the last descriptors, which are kept for the node's own work; or err
function listener:accept(options) end

---Where it listens.
---@return string address numeric, with the real port
function listener:address() end

---Listens no longer.
function listener:close() end

---Waits until the handshake is done.
---@return filo.core.Connection? self
---@return filo.Error? err
function connection:ready() end

---Waits for the next message.
---@param seconds? number
---@return table? message
---@return integer|filo.Error how many bytes it was; or err, "protocol" when it is no CBOR map: the connection closes
function connection:receive(seconds) end

---@param message table as filo.core.cbor has it
---@return true?
---@return integer|filo.Error queued bytes that wait to be sent; or err, "busy" when that is too much: see drained
function connection:send(message) end

---After "busy": waits until there is room again.
---@param seconds? number
---@return true?
---@return filo.Error? err
function connection:drained(seconds) end

---Lets the peer in: from now on its messages may be long and it may send objects.
function connection:admit() end

---Begins its end, which takes a while; what was not read is read no more, and `receive` waits until it has ended.
---@param code? string what the peer is told; "closed" when left out
---@param reason? string
function connection:close(code, reason) end

---The same at once, without a word to the peer: where its descriptor is needed.
---@param code? string "closed" when left out
---@param reason? string
function connection:abort(code, reason) end

---@return string id 32 bytes
---@return boolean proven by TLS; else only claimed
function connection:peer() end

---Bytes that are the same at both ends, and of no other connection.
---@return string binding 32 bytes
function connection:binding() end

---@return boolean
function connection:is_dialler() end

---Whether it is a bulk line, whose peer() is the ticket of who dialled. It takes messages until it is admitted, and none afterwards.
---@return boolean
function connection:is_bulk() end

---@return string address
function connection:remote() end

---`idle`: seconds since the peer's last byte. `rtt`: seconds from the last ping to its pong, with the option keepalive; nil before
---the first. `queued`: bytes of messages that wait to be sent. `acknowledged`: bytes of TCP that the other side's system has
---acknowledged; `under_way`: more are on their way to it.
---@return { bytes_in: integer, bytes_out: integer, messages_in: integer, messages_out: integer, queued: integer, idle: number,
---  acknowledged: integer, under_way: boolean, rtt: number? }
function connection:stats() end

---As stats() gives it; these cost little.
---@return integer
function connection:bytes_in() end

---The same.
---@return number? seconds
function connection:rtt() end

---Starts sending; the message that says so names the transfer's number.
---@param object filo.core.Object
---@param hashes? boolean the chunk hashes first
---@param first? integer chunk
---@param count? integer chunks; all that follow when left out
---@return filo.core.Transfer? transfer
---@return filo.Error? err
function connection:send_object(object, hashes, first, count) end

---Starts receiving what the peer sends under this number.
---@param number integer
---@param partial filo.core.Partial
---@param hashes? boolean
---@param first? integer
---@param count? integer
---@return filo.core.Transfer? transfer
---@return filo.Error? err
function connection:receive_object(number, partial, hashes, first, count) end

---A stream that the other side has to attach by its number, which a message names.
---@param peer string  the node ID of the other side, for errors
---@return filo.Stream? stream
---@return integer|filo.Error number or err, "busy" when too many are open
function connection:open_stream(peer) end

---Lets what the other side writes under this number be read from a stream.
---@param given filo.Stream
---@param number integer
---@return true?
---@return filo.Error? err "invalid" when there cannot be such a stream; "closed" when it was given up already: then this one is cut
function connection:attach_stream(given, number) end

---Gives up what has not ended of a stream.
---@param given filo.Stream
---@param code string what the other side is told, and what reads and writes give here
---@param why string
function connection:cut_stream(given, code, why) end

---Waits until it is done.
---@param seconds? number
---@return true?
---@return filo.Error? err
function transfer:join(seconds) end

---@return integer number
function transfer:number() end

---@return integer bytes moved so far
function transfer:bytes() end

---Gives up what is not done.
function transfer:close() end

---Waits for bytes: at most a number of them, a line ("l") or everything up to the end ("a").
---@param what? integer|"l"|"a"
---@param seconds? number
---@return string? bytes
---@return filo.Error? err
function raw:read(what, seconds) end

---Waits while much lies unsent.
---@param bytes string
---@return true?
---@return filo.Error? err
function raw:write(bytes) end

---Waits until all is with the kernel.
---@return true?
---@return filo.Error? err
function raw:flush() end

---Passes an open file to the process at the other end of a Unix socket, once all that was written is with the kernel; the other end
---takes it at this place of the bytes.
---@param file file*|filo.core.Descriptor
---@return true?
---@return filo.Error? err
function raw:pass(file) end

---Waits for an open file that the other end passes here: see `filo.file`.
---@param seconds? number
---@return filo.core.Descriptor?
---@return filo.Error? err "protocol" when bytes come instead
function raw:take(seconds) end

---Waits for bytes: at most a number of them, a line ("l") or everything up to the end ("a"). What had come before the stream was cut is
---still given by numbers.
---@param what? integer|"l"|"a"
---@param seconds? number
---@return string? bytes nil without an error at the end of what the other side writes
---@return filo.Error? err
function stream:read(what, seconds) end

---Waits until the connection has taken all of it, as the other side gives room. When it is cancelled the stream is cut.
---@param bytes string
---@return true?
---@return filo.Error? err
function stream:write(bytes) end

---Ends what this side writes.
---@return true?
---@return filo.Error? err
function stream:finish() end

---Waits until the stream is cut, for who neither reads nor writes meanwhile: nothing that is written arrives any more, and nothing more
---comes. One task at a time.
---@param seconds? number
---@return filo.Error? err  as reads and writes give it; nil when both sides have ended in order, or the time is over
function stream:wait_cut(seconds) end

---Gives up what has not ended, at once.
function stream:close() end

---Who is at the other end.
---@return string address; of a Unix socket: "process" and its ID
function raw:remote() end

---Sends what was written, as long as the other side takes it, and ends the connection.
function raw:close() end
