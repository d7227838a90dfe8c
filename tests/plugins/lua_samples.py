"""The kit's samples in Lua: all that an author of a runtime writes for it."""

from __future__ import annotations

LUA = {
    "echo": "function onTrack(event) return event end",
    "settings": "function onTrack(event, settings) return settings end",
    "nothing": "function onTrack() end",
    "retry": "function onTrack() error(RetryError('later')) end",
    "fault": "function onTrack() error('boom') end",
    "broken": "function onTrack()\n  return {",
    "state": "count = 0\nfunction onTrack() count = count + 1 return count end",
    "loop": "function onTrack() while true do end end",
    "hoard": "function onTrack() local all = {} while true do all[#all + 1] = ('x'):rep(10000) .. #all end end",
    "bulky": "function onTrack() return ('x'):rep(100000) end",
    "chatter": "function onTrack() for n = 1, 3 do print('line', n) end end",
    "flood": "function onTrack() for n = 1, 20000 do print('line') end end",
    "fetch": """function onTrack()
        local options = { method = 'POST', headers = { ['X-Kit'] = 'yes' }, body = 'hello' }
        return fetch('https://kit.test/path', options).status
    end""",
    "nap": "function onTrack() sleep(0.02) return 'woke' end",
    "sleep": "function onTrack() sleep(3600) end",
    "cached": "function onTrack() return cache.load('k', 60, function() return 'loaded' end) end",
    "capable": "function onTrack() return capability('kit.double', { n = 21 }) end",
    "sends": "function onRequest() Segment.track({ event = 'Sent', userId = 'u' }) end",
    "batch": "function onBatch() return { { status = 200 }, { status = 400 } } end",
    "clock": "function onTrack() return { os.time() * 1000, math.random() } end",
}
