# What visitors read. One message per visible sentence; names and numbers come as arguments.

## Signing in

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
sign-in-strong = From the internet, only accounts with a password of 15 characters or more, or with a second factor, can sign in.
signed-out = You are signed out.
plain-warning = This page is not encrypted. Anyone on this network can read and change what you send and what you get here, your password too.
plain-link = Use the encrypted address instead.

## An invite

invite-title = You are invited
invite-lead = Choose a password. With this name and your password you sign in here from now on.
invite-other = This browser is signed in as { $name }. That ends when you go on.
invite-name = Your name for signing in
invite-button = Set password and go on
invite-used = Sign in

## A pass

pass-title = You may come in
pass-lead = With this link you can use { $tool } for { $left } more. You need no account.
pass-looks = You can look at everything there, but change nothing.
pass-hint = It works in one browser only: the one in which you press the button. If you want to use another one, open the link there instead.
pass-button = Open it in this browser
pass-cookie = This browser has to keep a cookie for this. Press the button once more; if this comes again, allow cookies or use another browser.
pass-closed = It is closed right now. Come back with this link when it is open again.
left-minutes = { $count ->
    [one] one minute
   *[other] { $count } minutes
}
left-hours = { $count } hours
left-days = { $count } days

## After the password

second-factor-title = One more step
code-lead = Type the code your authenticator app shows for Drawbridge.
code-label = Code from the app
code-other = Use a recovery code instead
recovery-lead = Type one of your recovery codes. Each works once.
recovery-label = Recovery code
recovery-other = Use a code from the app instead
second-factor-start-over = Start over with name and password
code-wrong = This code is wrong or was used already. Type the newest one of the app, or a recovery code you have not used.
code-wait = After a wrong code there is a short pause. Try again in { $seconds ->
    [one] one second
   *[other] { $seconds } seconds
}.
code-wait-long = There were many wrong codes for this account. Try again in { $minutes } minutes.
passkey-sign-in = Sign in with a passkey
passkey-lead = Use your passkey, or type one of your recovery codes.
passkey-use = Use a passkey
passkey-done = Passkey used: now choose below
passkey-failed = The passkey was not used. Try again, or go on without it.
passkey-wrong = This passkey was not accepted. Try again, or go on without it.
second-factor-over = Too many wrong codes. Sign in again with name and password.

home-title = Your tools
home-lead = Signed in as { $name }.
home-none = No tool is open for you right now. Ask the person who shared it with you.
sign-out = Sign out
account-link = Your account

## Waiting for the owner

approval-title = Waiting for a yes
approval-lead = The password is right. This device is new here, so the owner of the computer is asked whether to let it in.
approval-number = Number
approval-hint = The owner sees the same number beside the question. Keep this page open: it goes on by itself as soon as there is an answer, and waits five minutes.
approval-later = The password is right, but the owner is not asked about this account now: another device waits already, or the last question got no yes. Try again in { $minutes ->
    [one] one minute
   *[other] { $minutes } minutes
}.
approval-no = The owner said no. If it was you who signed in, talk to the owner and try again later.

## The account

account-title = Your account
to-account = Back to your account
to-home = Your tools
password-change = Change password
password-change-lead = With a new password, everything else that is signed in with this account is signed out, and its passwords for single devices stop working.
password-old = Current password
password-new = New password
password-new-hint = 8 characters or more; from the internet only 15 or more sign in, unless there is a second factor.
password-new-hint-strong = 15 characters or more: a few words that do not belong together are easy to type.
password-changed = The password is changed. Everything else is signed out.
new-password-short = This password is too short. Choose one with 8 characters or more.
new-password-long = This password is too long. Choose one with at most 1,024 bytes.
new-password-common = This password is among the first that are guessed. Choose another one.
new-password-weak = From the internet a password needs 15 characters or more. Choose a longer one.
factor-title = Second factor
factor-off = Off. Your password alone signs you in.
factor-on = On. Signing in needs your password and a code from your authenticator app.
factor-set-up = Set up a second factor
factor-change = Change the second factor
factor-on-passkeys = On. Signing in needs a passkey of yours, alone or with your password.
factor-on-both = On. Signing in needs your password and a code from your authenticator app, or a passkey.
factor-off-lead = With a second factor, a password that others learn is not enough for them. You need an authenticator app on your phone, or a passkey. Everything else is signed out, and passwords for single devices stop working. Type your password to begin.
factor-on-lead = Recovery codes stand in for what you lose. To change anything here, give your password and a code, or your password and a passkey.
factor-add-app = Set up an authenticator app
factor-remove = Remove the authenticator app
factor-removed = The second factor is removed.
factor-added = It is added.
app-removed = The authenticator app is removed.
passkeys-title = Passkeys
passkeys-lead = A passkey is a key this device or a security key keeps. It stands in for the code, and where it asks for a finger, a face or a PIN, for the password too. It works at this address only.
passkeys-no-name = Passkeys need an address with a name. You are here by a number, and browsers keep no passkey for that.
passkeys-full = There are ten passkeys. Remove one first.
passkey-name-bad = A name has at most 64 letters.
passkey-name = Name of a new passkey (may stay empty)
passkey-add = Add a passkey
passkey-make = Make the passkey
passkey-make-lead = Your browser asks where to keep it: on this device, on your phone, or on a security key.
passkey-no-script = Passkeys need JavaScript, which is off here. Everything else works without.
passkey-not-added = The passkey was not added: it took too long, or it is known here already. Begin again.
passkey-link = Add a passkey, to sign in without typing
passkey-facts = For { $host }, added { $since }, { $used }.
passkey-beside = Only with the password: it does not check who holds it.
passkey-remove = Remove
passkey-remove-named = Remove the passkey { $name }
passkey-removed = The passkey is removed. Everything else is signed out.
password-wrong = This is not your password. Check it and try again.
code-or-recovery-label = Code from the app, or a recovery code
app-title = Set up your app
app-lead = Scan this with your authenticator app, then type the code it shows. The picture is shown once and good for ten minutes.
app-lead-again = Type the code your app shows now for Drawbridge.
app-qr = QR code for the authenticator app
app-seed = If you cannot scan it, type this into the app:
app-open = Open in an app on this device
app-confirm = Turn it on
app-again = Begin again with another code
code-not-of-app = This is not the code the app shows now. Type the newest one, and check that your phone's clock is right.
recovery-title = Your recovery codes
recovery-kept-lead = Each of these signs you in once, with your password, if you lose the app or passkey. They are shown this once: keep them where your phone is not. Older codes no longer work.
recovery-kept = I have kept them
recovery-new = Make new recovery codes
recovery-left = { $count ->
    [0] No recovery code is left. Make new ones.
    [one] One recovery code is left. Make new ones soon.
   *[other] { $count } recovery codes are left.
}
tokens-title = Passwords for single devices
tokens-none = None. A phone app or a script gets one of its own, which you can take back alone.
token-new = Make one
token-new-title = A password for one device
token-new-lead = For a phone app, a script, or anything else that cannot sign in with a browser. It opens tools, and nothing here.
token-name-label = What is it for?
token-tool-label = It opens
token-all-tools = all your tools
token-end-label = It ends
token-no-end = when I revoke it
token-30-days = after 30 days
token-a-year = after a year
token-make = Make it
token-made-title = The new password
token-made-lead = It is shown this once. Use it with your name, as a Bearer token, or in the field X-Drawbridge-Token.
token-kept = I have kept it
token-nameless = Without a name
token-facts = For { $tool }, { $used }, { $end }
token-ends-never = without an end
token-ends-in = ends within { $days ->
    [one] a day
   *[other] { $days } days
}
token-used = last used { $seen }
own-token-unused = never used
token-revoke = Revoke
token-revoke-named = Revoke: { $name }
token-name-bad = A name has up to 64 letters. Choose a shorter one.
token-tool-bad = This tool is not open for your account. Choose another one.
own-token-too-many = You have 100 of them. Revoke those that nothing uses.
sessions-title = Signed in with
session-own = this browser
session-facts = Signed in { $since }, last used { $seen }, from { $address }
session-end = End
session-end-named = End: { $device }
session-end-others = End all others
session-ended = Done. What was ended is signed out.
passes-title = Passes for guests
passes-none = None. With a pass a guest uses one of your tools for some hours, without an account.
pass-new-title = A pass for a guest
pass-new-lead = You get a link to hand out. It opens one tool, on the first device that opens it, and ends by itself. It also ends when you change your password.
pass-name-label = Whom is it for?
pass-time-label = It is good for
pass-looks-label = The guest may only look
pass-make = Make the link
pass-made-title = The link for your guest
pass-made-lead = It is shown this once. Whoever opens it first can use the tool; on other devices it does nothing.
pass-qr = QR code of the link
pass-kept = I have handed it over
pass-waits = not opened yet
pass-open = open on { $device }, from { $address }, last used { $seen }
pass-facts = For { $tool }, { $state }; { $left } left
pass-facts-looks = To look at { $tool }, { $state }; { $left } left
pass-revoked = Done. The pass is over.
pass-time-bad = Choose one of the times offered.
own-pass-too-many = There are too many open passes. Revoke those that nobody uses.
device = { $browser } on { $system }
device-none = A browser that gives no name
ago-now = just now
ago-minutes = { $count ->
    [one] one minute ago
   *[other] { $count } minutes ago
}
ago-hours = { $count ->
    [one] one hour ago
   *[other] { $count } hours ago
}
ago-days = { $count } days ago

## Refusals

back = Try again
to-sign-in = Sign in again
to-start = Go to the start page

sign-in-needed-title = Please sign in
sign-in-needed-text = This address needs a name and a password.
wrong-credential-title = Wrong name, password or token
wrong-credential-text = What was sent does not open anything here.
token-needed-title = A token is needed
token-needed-text = This account has a second factor, so its password alone opens nothing. Programs need a token of their own; in a browser, sign in on the start page.
code-needed-title = A code is needed
code-needed-text = This account has a second factor. Send the code of its app, if it has one, or a recovery code, as `code` with name and password.
approval-pending-title = The owner is asked
approval-pending-text = The password is right, but this device is new here, so the owner of the computer has to let it in. Ask again in a moment; or use a token, which needs no asking.
approval-later-title = Not now
approval-later-text = The password is right, but this device is new here, and the owner is not asked about this account now: another device waits already, or the last question got no yes. Try again later; or use a token, which needs no asking.
wait-title = A short pause
wait-text = After a wrong password there is a short pause. Try again in a moment.
not-for-you-title = Not open for you
not-for-you-text = You are signed in, but this tool is not open for your account from here. Ask the person who shared it with you.
cross-site-title = Stopped for your safety
cross-site-text = Another website made your browser ask for this. Open the address yourself if you meant to.
stale-code-title = This link no longer works
stale-code-text = The way back from signing in works once, for one minute, in the browser that began. Open the address again.
stale-invite-title = This invite is no longer good
stale-invite-text = An invite works once and for a limited time. If you have set your password already, sign in with it. Otherwise ask the person who invited you for a new one.
stale-pass-title = This link is no longer good
stale-pass-text = It works for some time, and only on the device that opened it first. Ask the person who gave it to you for a new one.
read-only-title = You may only look
read-only-text = The person who let you in allowed you to look, not to change anything.
no-such-page-title = Nothing here
no-such-page-text = There is no page at this address.
too-much-title = Too much at once
too-much-text = What was sent is longer than this page takes, or took too long.
bad-password-title = This password cannot be used
bad-password-text = A new password has 8 characters or more, from the internet 15 unless there is a second factor, at most 1,024 bytes, and is not among the first that are guessed.
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
