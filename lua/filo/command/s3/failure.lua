---Failures as S3 tells them: a code, its status, and a sentence.

local crypto = require "filo.core.crypto"
local errors = require "filo.base.errors"
local xml = require "filo.command.s3.xml"

local failure = {}

---The status of each code, and what is said where nothing better is known.
local CODES = {
  AccessControlListNotSupported = { 400, "The bucket does not allow ACLs" },
  AccessDenied = { 403, "Access Denied" },
  AuthorizationHeaderMalformed = { 400, "The authorization header is malformed." },
  AuthorizationQueryParametersError = { 400, "The query parameters of the signature are malformed." },
  BadDigest = { 400, "The digest that you specified did not match what was received." },
  BadRequest = { 400, "The request makes no sense." },
  BucketAlreadyExists = { 409, "The bucket exists already." },
  BucketAlreadyOwnedByYou = { 409, "Your previous request to create the named bucket succeeded and you already own it." },
  BucketNotEmpty = { 409, "The bucket you tried to delete is not empty." },
  EntityTooLarge = { 400, "Your proposed upload exceeds the maximum allowed size." },
  EntityTooSmall = { 400, "Your proposed upload is smaller than the minimum allowed size." },
  ExpiredToken = { 400, "The provided token has expired." },
  IllegalLocationConstraintException = { 400, "The location constraint is not that of this server." },
  IncompleteBody = { 400, "You did not provide the number of bytes specified by the Content-Length HTTP header." },
  InternalError = { 500, "We encountered an internal error. Please try again." },
  InvalidAccessKeyId = { 403, "The AWS Access Key Id you provided does not exist in our records." },
  InvalidArgument = { 400, "Invalid Argument" },
  InvalidBucketName = { 400, "The specified bucket is not valid." },
  InvalidDigest = { 400, "The digest you specified is not valid." },
  InvalidPart = { 400, "One or more of the specified parts could not be found." },
  InvalidPartOrder = { 400, "The list of parts was not in ascending order." },
  InvalidPolicyDocument = { 400, "The content of the form does not meet the conditions specified in the policy document." },
  InvalidRange = { 416, "The requested range is not satisfiable." },
  InvalidRequest = { 400, "Invalid Request" },
  InvalidTag = { 400, "The tag provided was not a valid tag." },
  InvalidURI = { 400, "Could not parse the specified URI." },
  KeyTooLongError = { 400, "Your key is too long." },
  MalformedPOSTRequest = { 400, "The body of your POST request is not well-formed multipart/form-data." },
  MalformedXML = { 400, "The XML you provided was not well-formed or did not validate against our published schema." },
  MetadataTooLarge = { 400, "Your metadata headers exceed the maximum allowed metadata size." },
  MethodNotAllowed = { 405, "The specified method is not allowed against this resource." },
  MissingContentLength = { 411, "You must provide the Content-Length HTTP header." },
  NoSuchBucket = { 404, "The specified bucket does not exist." },
  NoSuchBucketPolicy = { 404, "The bucket policy does not exist." },
  NoSuchCORSConfiguration = { 404, "The CORS configuration does not exist." },
  NoSuchKey = { 404, "The specified key does not exist." },
  NoSuchLifecycleConfiguration = { 404, "The lifecycle configuration does not exist." },
  NoSuchPublicAccessBlockConfiguration = { 404, "The public access block configuration was not found" },
  NoSuchTagSet = { 404, "The TagSet does not exist." },
  NoSuchUpload = { 404, "The specified multipart upload does not exist." },
  NoSuchVersion = { 404, "The specified version does not exist." },
  NoSuchWebsiteConfiguration = { 404, "The specified bucket does not have a website configuration" },
  NotImplemented = { 501, "A header or query you provided implies functionality that is not implemented." },
  NotModified = { 304 },
  ObjectLockConfigurationNotFoundError = { 404, "Object Lock configuration does not exist for this bucket" },
  OwnershipControlsNotFoundError = { 404, "The bucket ownership controls were not found" },
  PreconditionFailed = { 412, "At least one of the preconditions you specified did not hold." },
  ReplicationConfigurationNotFoundError = { 404, "The replication configuration was not found" },
  RequestTimeTooSkewed = { 403, "The difference between the request time and the server's time is too large." },
  RequestTimeout = { 400, "Your socket connection to the server was not read from or written to within the timeout period." },
  ServerSideEncryptionConfigurationNotFoundError = { 404, "The server side encryption configuration was not found" },
  ServiceUnavailable = { 503, "Please reduce your request rate." },
  SignatureDoesNotMatch = { 403, "The request signature we calculated does not match the signature you provided." },
  SlowDown = { 503, "Please reduce your request rate." },
  XAmzContentSHA256Mismatch = { 400, "The provided 'x-amz-content-sha256' header does not match what was computed." },
}

---What the codes of Filo's own failures are here.
local OF_ERRORS = {
  invalid = "InvalidArgument", not_found = "NoSuchKey", denied = "AccessDenied", too_large = "EntityTooLarge",
  unsupported = "NotImplemented", exists = "PreconditionFailed",
}

---What is said in place of a message with paths of the server.
local SENTENCES = { no_space = "there is no room for it" }

---The answer for a failure.
---@param code string  of S3
---@param message? string
---@param resource? string  the path that was asked for
---@return table answer  as a handler of HTTP gives it
function failure.of(code, message, resource)
  local known = CODES[code] or error(("no code of S3: '%s'"):format(tostring(code)), 2)
  local id = crypto.hex(crypto.random(8)):upper()
  local answer = { status = known[1], headers = { ["x-amz-request-id"] = id } }
  if code == "NotModified" then return answer end -- has no body
  answer.headers["Content-Type"] = "application/xml"
  if known[1] == 503 then answer.headers["Retry-After"] = "5" end
  answer.body = xml.bare("Error", {
    { "Code", code }, { "Message", message or known[2] }, { "Resource", resource or "" }, { "RequestId", id },
  })
  return answer
end

---@param err filo.Error
---@return string
function failure.code_of(err) return OF_ERRORS[err.code] or err.retryable and "ServiceUnavailable" or "InternalError" end

---The answer for a failure that a call of Filo's gave. One of the server's own is raised: it is for the log.
---@param err filo.Error
---@param resource? string
---@return table answer
function failure.from(err, resource)
  local code = failure.code_of(err)
  if code == "InternalError" then error(err, 0) end
  return failure.of(code, SENTENCES[err.code] or errors.text(err), resource)
end

return failure
