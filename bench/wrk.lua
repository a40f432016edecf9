-- Sends a request from a file with other digits in it, and prints what was measured as one line of JSON.
-- Arguments: file, offset of the key's digits, their number, number of keys, offset of the revision's digits or -1,
-- first revision, number of the revision's digits. Offsets are in bytes, the key stands before the revision.

local head, middle, tail
local keyFormat, keys, revision

function init(args)
  local file = assert(io.open(args[1], 'rb'))
  local bytes = file:read('*a')
  file:close()
  local keyOffset, keyDigits = tonumber(args[2]), tonumber(args[3])
  local revisionOffset, revisionDigits = tonumber(args[5]), tonumber(args[7])
  keys = tonumber(args[4])
  keyFormat = '%0' .. keyDigits .. 'd'
  head = bytes:sub(1, keyOffset)
  if revisionOffset < 0 then
    tail = bytes:sub(keyOffset + keyDigits + 1)
  else
    revision = tonumber(args[6])
    middle = bytes:sub(keyOffset + keyDigits + 1, revisionOffset)
    tail = bytes:sub(revisionOffset + revisionDigits + 1)
  end
end

function request()
  local key = keyFormat:format(math.random(0, keys - 1))
  if not revision then return head .. key .. tail end
  revision = revision + 1
  return head .. key .. middle .. ('%.0f'):format(revision) .. tail
end

function done(summary, latency)
  local errors = summary.errors
  io.write(('\n{"requests":%d,"durationUs":%d,"bytes":%d,"failures":%d,"notOk":%d,'):format(
    summary.requests, summary.duration, summary.bytes,
    errors.connect + errors.read + errors.write + errors.timeout, errors.status))
  io.write(('"latencyUs":{"p50":%d,"p90":%d,"p99":%d,"p999":%d,"max":%d}}\n'):format(
    latency:percentile(50), latency:percentile(90), latency:percentile(99), latency:percentile(99.9), latency.max))
end
