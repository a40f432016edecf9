-- Sends a request from a file with other digits in it, and prints what was measured as one line of JSON.
-- Arguments: file, number of keys, digits of a key, first revision, digits of a revision, and then where the digits stand,
-- in order: key:OFFSET or revision:OFFSET, in bytes.

local pieces, slots = {}, {}
local keyFormat, keys, revision

function init(args)
  local file = assert(io.open(args[1], 'rb'))
  local bytes = file:read('*a')
  file:close()
  keys, revision = tonumber(args[2]), tonumber(args[4])
  keyFormat = '%0' .. args[3] .. 'd'
  local widths = { key = tonumber(args[3]), revision = tonumber(args[5]) }
  local from = 1
  for i = 6, #args do
    local holds, offset = args[i]:match('^(%a+):(%d+)$')
    -- Between two pieces stands an empty one, which every request fills.
    pieces[#pieces + 1] = bytes:sub(from, tonumber(offset))
    pieces[#pieces + 1] = ''
    slots[#slots + 1] = { at = #pieces, isKey = holds == 'key' }
    from = tonumber(offset) + widths[holds] + 1
  end
  pieces[#pieces + 1] = bytes:sub(from)
end

function request()
  local key = keyFormat:format(math.random(0, keys - 1))
  revision = revision + 1
  local revisionDigits = ('%.0f'):format(revision)
  for i = 1, #slots do
    pieces[slots[i].at] = slots[i].isKey and key or revisionDigits
  end
  return table.concat(pieces)
end

function done(summary, latency)
  local errors = summary.errors
  io.write(('\n{"requests":%d,"durationUs":%d,"bytes":%d,"failures":%d,"notOk":%d,'):format(
    summary.requests, summary.duration, summary.bytes,
    errors.connect + errors.read + errors.write + errors.timeout, errors.status))
  io.write(('"latencyUs":{"p50":%d,"p90":%d,"p99":%d,"p999":%d,"max":%d}}\n'):format(
    latency:percentile(50), latency:percentile(90), latency:percentile(99), latency:percentile(99.9), latency.max))
end
