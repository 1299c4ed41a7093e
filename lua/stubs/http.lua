---@meta
---Connections of HTTP clients, as listeners of filo.core.net accept them: one request after the other, and what is answered. Failures give
---nil and an error; a wrong argument raises. One task at a time may read, and one write.

---@class filo.core.Http
local http = {}

---What the body of a request passes on its way to who reads it, or to a deposit. The end comes only when all was good.
---@class filo.core.Sieve
local sieve = {}

---@class filo.core.SievePlan
---@field length? integer  bytes of data that must come, no more and no less
---@field chunked? boolean  in the framing `aws-chunked` of S3, which is taken away
---@field digests? ("md5"|"sha1"|"sha256"|"crc32"|"crc32c"|"crc64nvme")[]  what is computed of the data
---@field key? string  a signing key of AWS Signature Version 4, 32 bytes: each chunk must be signed. With it come the next three
---@field date? string  as it was signed: "20261201T120000Z"
---@field scope? string  the same: "20261201/us-east-1/s3/aws4_request"
---@field seed? string  the signature of the request's head, 64 hexadecimal digits
---@field trailer_signed? boolean  trailers come, and are signed; else there must be none where chunks are signed

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

---The next bytes of the data, at most `most`.
---@param most integer
---@return string? bytes  nil without an error: that was all, and all was good
---@return filo.Error? err  "denied": a signature is wrong; "invalid": the framing, or the length
function sieve:read(most) end

---Once the end has come.
---@return table<string, string> digests  raw bytes by their names, of CRCs the most significant first
function sieve:digests() end

---Once the end has come: what came behind the data, but for the signature.
---@return table<string, string> trailers  values by names in lower case
function sieve:trailers() end

---Lets what has not come of the body go.
function sieve:close() end
