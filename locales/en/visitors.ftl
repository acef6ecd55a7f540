# What visitors read. One message per visible sentence; names and numbers come as arguments.

sign-in-title = Sign in
sign-in-lead = Someone shared a tool with you. Sign in with the name and password you were given.
sign-in-name = Name
sign-in-password = Password
sign-in-button = Sign in
sign-in-wrong = This name and password do not open anything here. Check both and try again.
sign-in-wait = After a wrong password there is a short pause. Try again in { $seconds ->
    [one] one second
   *[other] { $seconds } seconds
}.
sign-in-busy = Too many people are signing in right now. Try again in a moment.
sign-in-strong = From the internet, only accounts with a password of 15 characters or more can sign in.
signed-out = You are signed out.

home-title = Your tools
home-lead = Signed in as { $name }.
home-none = No tool is open for you right now. Ask the person who shared it with you.
sign-out = Sign out

back = Try again
to-sign-in = Sign in again
to-start = Go to the start page

sign-in-needed-title = Please sign in
sign-in-needed-text = This address needs a name and a password.
wrong-credential-title = Wrong name, password or token
wrong-credential-text = What was sent does not open anything here.
wait-title = A short pause
wait-text = After a wrong password there is a short pause. Try again in a moment.
not-for-you-title = Not open for you
not-for-you-text = You are signed in, but this tool is not open for your account from here. Ask the person who shared it with you.
cross-site-title = Stopped for your safety
cross-site-text = Another website made your browser ask for this. Open the address yourself if you meant to.
stale-code-title = This link no longer works
stale-code-text = The way back from signing in works once, for one minute, in the browser that began. Open the address again.
no-such-page-title = Nothing here
no-such-page-text = There is no page at this address.
too-much-title = Too much at once
too-much-text = What was sent is longer than this page takes, or took too long.
bad-call-title = Not understood
bad-call-text = The call is not what the API expects. It wants JSON with the documented members and nothing else.
just-replaced-title = Already exchanged
just-replaced-text = Another request of this program exchanged this token a moment ago. Use the new one.
silent-title = Nothing more arrived
silent-text = What you were sending stopped half-way, and nothing came for a minute. Check your connection, then send it again.
tool-down-title = The tool is not running
tool-down-text = Nothing answers behind this address right now. It may be starting; this page tries again by itself.
tool-broken-title = The tool answered strangely
tool-broken-text = What the tool sent back could not be understood. Try again, or tell the person who runs it.
tool-slow-title = The tool takes too long
tool-slow-text = The tool did not answer in time. Try again later.
busy-title = Too busy
busy-text = Too much is going on at once. Try again in a moment.
front-title = The way here is not set up yet
front-text = The proxy in front of this tool leaves something out, so nobody is let in. Tell the person who runs it.
internal-title = Something failed here
internal-text = This is not your fault. Try again in a moment, or tell the person who runs it.
withdrawn-title = No longer open
withdrawn-text = This was closed while you were using it.
