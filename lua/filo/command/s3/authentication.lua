---Whose request it is, and what it says of its body.

local access = require "filo.command.web.access"
local date = require "filo.http.date"
local failure = require "filo.command.s3.failure"
local signature = require "filo.command.s3.signature"

---Seconds by which a clock may be wrong.
local SKEW = 15 * 60

---What the signature says of the body.
---@class filo.s3.Promise
---@field word string  its SHA-256 in hex, or one of the words
---@field claim? filo.s3.Claim
---@field key? string  what its chunks are signed with

local UNSIGNED = "UNSIGNED-PAYLOAD"

local WORDS = {
  [UNSIGNED] = true, ["STREAMING-AWS4-HMAC-SHA256-PAYLOAD"] = true, ["STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILER"] = true,
  ["STREAMING-UNSIGNED-PAYLOAD-TRAILER"] = true,
}

local authentication = {}

---@param text string  "20261201T120000Z"
---@return integer?  seconds since 1970
function authentication.seconds(text)
  local parts = { text:match "^(%d%d%d%d)(%d%d)(%d%d)T(%d%d)(%d%d)(%d%d)Z$" }
  for i, digits in ipairs(parts) do parts[i] = math.tointeger(tonumber(digits)) end
  return parts[1] and date.seconds(table.unpack(parts)) or nil
end

---@return table? failure
local function check_time(claim)
  local seconds, now = authentication.seconds(claim.time), os.time()
  if not seconds then return failure.of("AccessDenied", "the time of the request is none") end
  if seconds > now + SKEW then return failure.of("RequestTimeTooSkewed") end
  if not claim.lasts and seconds < now - SKEW then return failure.of("RequestTimeTooSkewed") end
  if claim.lasts and seconds + claim.lasts < now then return failure.of("AccessDenied", "Request has expired") end
  return nil
end

---@return string? word
---@return table? failure
local function word_of(request, claim)
  local word = request.headers["x-amz-content-sha256"]
  if not word and claim.lasts then return UNSIGNED end
  if not word then return nil, failure.of("InvalidRequest", "Missing required header for this request: x-amz-content-sha256") end
  if WORDS[word] or word:find "^%x+$" and #word == 64 then return word end
  if word:find "^STREAMING%-" then return nil, failure.of("NotImplemented", "this form of a signed body is not known here") end
  return nil, failure.of("InvalidArgument", "x-amz-content-sha256 must be UNSIGNED-PAYLOAD, one of the STREAMING ones, or a SHA-256 in hex")
end

---@param id string  anybody's word
---@return filo.HttpKey?
---@return table? failure
function authentication.key(root, id)
  local key, err = access.find(root, id)
  if key then return key end
  if err.code == "not_found" then return nil, failure.of "InvalidAccessKeyId" end
  return nil, failure.from(err)
end

---@return filo.HttpKey? who
---@return filo.s3.Promise|table promise_or_failure
local function check(root, request, claim)
  local key, problem = authentication.key(root, claim.id)
  problem = problem or check_time(claim)
  if problem then return nil, problem end
  local word
  word, problem = word_of(request, claim)
  if not word then return nil, problem end
  local secret = signature.key(key.secret, claim)
  local signed = claim.lasts and not request.headers["x-amz-content-sha256"] and UNSIGNED or word
  if not signature.holds(request, claim, signed, secret) then return nil, failure.of "SignatureDoesNotMatch" end
  local left_out = signature.unsigned_header(request, claim)
  if left_out then return nil, failure.of("AccessDenied", ("the header %s was not signed"):format(left_out)) end
  return key, { word = word, claim = claim, key = secret }
end

---@param root string
---@param request filo.http.Request
---@return filo.HttpKey|false|nil who  false: nobody
---@return filo.s3.Promise|table promise_or_failure
function authentication.of(root, request)
  local header, query = request.headers.authorization, request.query
  if header then
    local claim = signature.in_header(request)
    if claim then return check(root, request, claim) end
    if header:find "^AWS " then return nil, failure.of("InvalidRequest", "sign with AWS4-HMAC-SHA256: version 2 is not known here") end
    return nil, failure.of "AuthorizationHeaderMalformed"
  end
  if query["X-Amz-Algorithm"] or query["X-Amz-Signature"] then
    local claim = signature.in_query(query)
    if claim then return check(root, request, claim) end
    return nil, failure.of "AuthorizationQueryParametersError"
  end
  return false, { word = request.headers["x-amz-content-sha256"] or UNSIGNED }
end

return authentication
