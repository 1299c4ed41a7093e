---@meta
---Connections of HTTP clients, as listeners of filo.core.net accept them: one request after the other, and what is answered. Failures give
---nil and an error; a wrong argument raises. One task at a time may read, and one write.

---@class filo.core.Http
local http = {}

---@class filo.core.HttpHead
---@field method string
---@field target string  as it came, in ASCII
---@field minor integer  of the version: 0 or 1 of HTTP/1
---@field headers table<string, string>  by names in lower case; values of one name are joined by ", "
---@field length? integer  of the body in bytes, as announced
---@field chunked boolean  the body comes in chunks
---@field keep_alive boolean  another request may follow
---@field expects boolean  the body comes after "100 Continue" only

---Waits for the next request, once the one before is answered and its body read.
---@return filo.core.HttpHead? head  nil without an error: the client has ended
---@return filo.Error? err
---@return integer? status  what to answer; 0: nothing
function http:request() end

---The next bytes of the body, at most `most`.
---@param most integer
---@return string? bytes  nil without an error: that was all
---@return filo.Error? err
function http:read(most) end

---Waits while the client takes less than is written.
---@param bytes string
---@return true?
---@return filo.Error? err
function http:write(bytes) end

---Waits until all that was written is with the system.
---@return true?
---@return filo.Error? err
function http:flush() end

---Sends all that a reader gives, which is closed then, or bytes [first, last) of an open file; past Lua.
---@param source filo.core.Reader|filo.core.Descriptor
---@param first? integer
---@param last? integer
---@return true?
---@return filo.Error? err
---@return boolean? broken  it is the connection that failed, not the source
---@return integer? sent  bytes of it that went
function http:send(source, first, last) end

---Seconds since a byte came or went.
---@return number
function http:still() end

---Who is at its other end.
---@return string
function http:remote() end

---Closes it at once: the client sees that the answer is not whole.
function http:abort() end

---What was written still goes out, for two seconds.
function http:close() end
