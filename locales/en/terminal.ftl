# What the command line says by itself. What the engine says stands in owner.ftl; the help texts stand with the options.
#
# A line's place on the screen (columns, indents, blank lines) belongs to the code.

failure = drawbridge: { $sentence }
system-failed = something needed of the system failed: { $cause }; try again

engine-failed = the engine failed inside, so everything is closed; start it again, and report what logs/drawbridge.log in the home says

## Wrong usage

hint-keyring = give `system`, or `passphrase-file=PATH`
hint-duration = give a number with s, m, h or d, such as 8h
hint-level = give local, lan or internet
hint-switch = give on or off
hint-network = give home or shared
level-password-lan = --no-password and --password only fit lan
network-question = Is this network your home, or shared with strangers? [home/shared]
network-unanswered = say whether this network is your home or shared with strangers: --network home, or --network shared
share-local = a local tool needs no sharing; give --level lan or internet
stdin-empty = nothing came on standard input; write the secret there as one line

## Passwords and codes

password-hint = 15 characters or more are of use on the internet too. Leave it empty to have one made for you.
secret-prompt = Secret (not shown):
password-prompt = Password for { $name }:
password-again = Once more:
passwords-differ = the two passwords differ; try again
passphrase-once = This passphrase is shown once:
token-once = This token is shown once. It works as the password of the account, as a Bearer token and in X-Drawbridge-Token:
token-unused = never used
invite-once = This link is shown once. Whoever opens it chooses the password of { $name }; it works once, and { $end }:
invites-none = No invite is open.
approvals-none = Nobody waits.
approval-program = a program, without a number
devices-none = No device was let in for good, and no program for a while.
pass-once = This link is shown once. It opens { $tool } for a guest, on the first device that opens it; { $end }:
passes-no-open = No pass is open.
pass-by-owner = you
pass-read-only = looks only
pass-waiting = not opened yet
password-set = { $name } can sign in with the new password.
password-lan-only = It is good for the local network only; from the internet people need 15 characters or more.
recovery-once = Keep this code where the computer is not. It is shown once:
recovery-prompt = Recovery code:
recovery-used = Opened. A new key is stored; the code stays good.
unlocked = Unlocked.

## Sharing

share-other-name = this tool is already listed as `{ $name }`; leave --name out
share-name-of-port = Port { $port }
share-until = Ctrl-C closes it; it stays in the list of tools.
share-also-open = Also open, as you left it: { $tool } ({ $level })
share-credential-name = name
share-credential-password = password
share-shown-once = (shown once)
share-try-hint = To try it on this computer alone, add: --lan 127.0.0.1
share-try-question = No local network was found. Try it on 127.0.0.1, for this computer alone? [y/N]
# The letter that means yes to the question above.
share-try-yes = y

## Tools and doors

tool-level-wanted = { $level } (wanted: { $wanted })
tool-level-anybody = { $level } (anybody, without a password, for { $span })
tool-closes-in = closes in { $span }
level-anybody = Anybody on this network may use it without a password for { $span }; then, or with --password, it asks for one again.
door-remark = { $url }: { $cause }
plain-warning-owner = While it is open on the local network and no farther, it is answered without encryption too: anyone there can read and change what is sent, passwords too.
door-open = open
door-not-open = not open

## Status

headline-closed = Nothing is reachable from elsewhere.
headline-lan = Open on the local network, with password.
headline-anybody = Open on the local network, for anybody there without a password.
headline-internet = Open from the internet, over HTTPS with password.
headline-trouble = Not everything you opened is open; see below.
status-gate = gate
status-visitor = { $user } uses { $tool } from { $address } since { $span }

## People

user-admin = admin
user-all-tools = all tools
user-strong = strong password
user-weak = not from the internet
user-disabled = disabled
user-unproven = imported, password not seen yet
user-second-factor = second factor
users-imported = { $count ->
    [one] { $count } user was imported.
   *[other] { $count } users were imported.
}
list-unread = { $path } could not be read ({ $cause }); name a text file with lines of NAME:HASH
seen-ago = seen { $span } ago
ends-in = ends in { $span }

## Second factors

totp-scan = Scan this with an authenticator app on { $name }'s phone, or type the seed { $seed } into it. It is shown once.
totp-next = Then, within ten minutes, give the code the app shows: drawbridge user totp { $name } confirm
totp-code-prompt = Code the app shows now:
totp-on = { $name } signs in with password and code from now on. If this is the first second factor, every browser and program of this account is signed out, and its tokens are revoked.
totp-off = { $name } signs in with the password alone again.
passkey-gone = The passkey of { $name } is removed; every browser and program of this account is signed out.
recovery-codes-once = Each of these recovery codes stands in for the app once. They are shown once, older ones are void:

## Certificates

file-unread = { $path } could not be read ({ $cause }); name a PEM file
fingerprint-compare = SHA-256 fingerprint, to compare: { $fingerprint }
certificate-fingerprint = SHA-256 { $fingerprint }
certificate-authority = local authority
certificate-lan = local network
certificate-imported = internet, imported
certificate-self-signed = internet, self-signed
certificate-days = { $days ->
    [one] { $days } day left
   *[other] { $days } days left
}

## Spans of time, short enough for a table

span-seconds = { $seconds }s
span-minutes = { $minutes }m
span-hours = { $hours }h { $minutes }m
span-days = { $days }d
