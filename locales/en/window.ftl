# What the owner reads in the window. One message per visible sentence; names and numbers come as arguments.

product = Drawbridge
panels = Panels
overview = Overview
tools = Tools
people = People

# Buttons and words used in many places

cancel = Cancel
save = Save
back = Back
next = Next
remove = Remove
name = Name
passphrase = Passphrase
copied = Copied
copy-address = Copy address
copy-name = Copy name
copy-passphrase = Copy passphrase
copy-both = Copy both
copy-code = Copy recovery code
copy-invitation = Copy invitation
close-dialog = Close this dialog
edit-named = Change { $name }
remove-named = Remove { $name }
date-and-time = { $date }, { $time }
span-days = { $days } d { $hours } h
span-hours = { $hours } h { $minutes } min
span-minutes = { $minutes } min { $seconds } s
span-seconds = { $seconds } s

# The engine

engine-starting = Drawbridge is starting
engine-starting-means = What is open is shown in a moment.
engine-slow = This takes longer than usual. Perhaps your keyring is asking for its password in another window.
engine-gone = Drawbridge is not running
engine-gone-means = Your tools cannot be reached from elsewhere through it. On this computer you reach them as always.
engine-start = Start it again
engine-unreachable = The engine does not answer. Start it again.
not-an-address = This is no web address, so it was not opened. Copy a share address from the overview instead.

# Closing

refused-read = I have read this
close-everything = Close everything
closing-title = Close this window?
closing-doors =
    { $count ->
        [one] One tool stays open, and there is no tray icon that could remind you of it. Open this window again to close it later.
       *[other] { $count } tools stay open, and there is no tray icon that could remind you of them. Open this window again to close them later.
    }
closing-stay = Keep the window
closing-all = Close the tools too
closing-leave = Close the window only

# Overview

headline-closed = Nothing is reachable from elsewhere
headline-closed-means = Your tools answer on this computer only.
headline-lan = Reachable on the local network
headline-lan-means =
    { $count ->
        [one] One tool is open to people with a password on your network.
       *[other] { $count } tools are open to people with a password on your network.
    }
headline-anybody = Anybody on this network can use { $tool } without a password, until { $time }.
headline-internet = Reachable from the internet
headline-internet-means =
    { $count ->
        [one] One tool is open to people with a password, at least one of its doors from anywhere.
       *[other] { $count } tools are open to people with a password, some of them from anywhere.
    }
headline-trouble = Something is not as you asked
headline-trouble-means =
    { $count ->
        [0] Nothing is reachable from elsewhere now. What is wrong stands below.
        [one] One tool is open. What is wrong stands below.
       *[other] { $count } tools are open. What is wrong stands below.
    }
problems =
    { $count ->
        [one] For your attention
       *[other] For your attention ({ $count })
    }
open-title = Open now
waiting-title = Asked for, but not open
nothing-open = No tool is open. Choose one and say how far it shall be reachable.
nothing-yet = Share your first tool: what it is, who may use it, and how far. It takes less than a minute.
to-tools = Choose a tool
close-tool = Close
keep-closed = Keep it closed
show-qr = Show QR code
open-in-browser = Open in browser
qr-title = Scan to open
qr-text = Point the camera of another device at the code. It holds the address and nothing else.
qr-closed = { $tool } has no share address that works now.
qr-label = QR code of { $url }
until-in = Closes by itself in { $span }
until-at = At { $time }
until-closed = Open until you close it
visitors = Who is in
visitors-none = Nobody was seen from elsewhere in the last two minutes.
visitor-since = Since { $time } from { $address }
visitor-anybody = Came in without a password. When the tool asks for one again, this visitor is out.
visitor-program = This program sends name and password itself, so there is no session to end. To shut it out, give this person a new password or close the tool.
end-session = End session
end-session-named = End session: { $name }

# What helps

fix-unlock = Unlock
fix-recover = Use the recovery code instead
fix-recovery = Create recovery code
fix-certificate = Import certificate
fix-show-tool = Show tool
recovery-title = Your recovery code
recovery-text = If your keyring is ever lost, only this code opens what is sealed here. Keep it where this computer is not. It is shown this once; an older code no longer works.
recovery-code = Recovery code
recovery-kept = I have kept it
recover-title = Use your recovery code
recover-text = It opens what is sealed here when the keyring is lost, and puts a new key into the keyring.
recover-hint = Dashes, blanks and the case of letters do not matter.
recover = Open with this code
certificate-title = Import your own certificate
certificate-text = For tools that are reachable from the internet. The files are checked before anything changes.
certificate-chain = Certificate with its chain (PEM)
certificate-key = Private key without passphrase (PEM)
certificate-import = Import
certificate-both = Choose both files, the certificate and its key.
certificate-large = { $file } is too large for a certificate or key. Choose the PEM file itself.

# Levels

level-of = How far { $tool } is reachable
level-local = This computer only
level-local-means = Only you, at this computer. Nothing listens for anyone else.
level-lan = Local network
level-lan-means = People with a password, from devices in the network you are in now. Encrypted.
level-anybody-means = Anybody on this network, without a password, until { $time }.
level-plain-means = People with a password, from devices in the network you are in now. Not only encrypted: http:// works too.
level-internet = Internet
level-internet-means = People with a strong password or a second factor, from anywhere. Encrypted. Open on the local network too.
level-draft = Now: { $level }. If you confirm:
act-local = Close it now
act-lan = Open to the local network
act-internet = Open to the internet
closing-means = Whoever is using it from elsewhere is disconnected within a second.
change-time = Change the time
set-time = Set the time
limit = Stays open for
limit-1h = 1 hour
limit-2h = 2 hours
limit-4h = 4 hours
limit-8h = 8 hours
limit-12h = 12 hours
limit-none = until I close it
anybody-offer = Without a password on this network…
anybody-title = { $tool } without a password
anybody-question = Is this network your home, or shared with strangers?
anybody-home = My home
anybody-shared = Shared with strangers
anybody-means = Everybody and everything in this network, guests and their devices too, can use the tool and change what it holds. Nobody is asked who they are. It ends by itself, and when you leave this network, restart Drawbridge or choose another level.
anybody-time = Without a password for
anybody-allow = Open without a password
anybody-end = Ask for a password again
need-vault = Your keyring must be unlocked first. The overview has the button.
need-user = A person who may use it. Add one under People first.
need-user-met =
    { $count ->
        [one] One person may use it
       *[other] { $count } people may use it
    }
need-strong = A person with a password of 15 characters or more, or with a second factor. A passphrase made by Drawbridge is long enough.
need-strong-met =
    { $count ->
        [one] One person proves enough to sign in from there
       *[other] { $count } people prove enough to sign in from there
    }
need-certificate = No certificate of your own: a self-signed one is used, and visitors' browsers will warn. It works, but nobody should get used to such warnings.
need-certificate-met = Your own certificate is used
need-router = Your router must forward the port to this computer. Drawbridge cannot see that from here, so try it from a phone without Wi-Fi.

# Tools

tools-lead = What you share from this computer, and how far.
tools-none = No tool yet. Add one by its name and port.
tool-label = Tool { $tool }
add-tool = Add tool
add-tool-text = A new tool is closed at first: nobody else can reach it.
edit-tool = Change tool
tool-name = Name
tool-name-hint = As you and your visitors will read it, for example Notebook.
tool-target = Address or port on this computer
tool-target-hint = Its port is enough, for example 8888; https://, h2c:// and unix: addresses work too.
tool-target-open = Close the tool first to give it another address.
other-machine = It runs on another machine, and I mean that
other-machine-means = Whoever signs in reaches that machine through this computer, and what they send goes on unencrypted unless its address begins with https://.
port-lan = Port on the local network
port-internet = Port on the internet
ports-hint = A new port changes the share address: tell those who use the old one.
tool-certificate = Take the certificate it shows now
tool-certificate-means = So far only this one is taken: { $fingerprint }
tool-more = More
tool-identity = Header field that tells the tool who signed in
tool-identity-hint = The field's name, if the tool can read one, like Remote-User. Visitors cannot set it themselves.
tool-origins = Other websites whose pages may use it
tool-origins-hint = Their origins, between commas. They need a name and password of yours; nobody's session is lent to them.
tool-plain = Also without encryption, on the local network
tool-plain-hint = For a device that cannot do HTTPS. Not while the tool is open to the internet.
tool-plain-meant = Let it be read by others, and I mean that
tool-plain-means = Anyone on this network can read and change what is sent to its http:// address: pages, files and passwords too. Whoever signs in there sends the password in clear.
secrets-of = Secrets of { $name }
secrets-title = Secrets of { $tool }
secrets-text = A password or key the tool asks for. It goes with every request, so that no visitor's browser ever holds it; whoever may use the tool uses it with this secret.
secrets-given = Secrets it is given
secret-remove = Take away { $secret }
secret-place = Where the tool looks for it
secret-place-aria2 = aria2: its rpc-secret
secret-place-basic = HTTP Basic: name and password
secret-place-bearer = Bearer token
secret-place-header = A header field
secret-place-query = A parameter in the address
secret-name-basic = User name
secret-name-header = Name of the field
secret-name-query = Name of the parameter
secret-value = Secret
secret-value-hint = It is sealed, and not shown again. Take a long, random one.
secret-give = Give it
secrets-done = Done
remove-tool = Remove { $tool }?
remove-tool-local = It disappears from this list. The program itself keeps running and is not touched.
remove-tool-open = It is closed first: whoever is using it from elsewhere is disconnected, and its share address stops working. The program itself keeps running.

# People

people-lead = Who may sign in, and to what.
people-none = Nobody yet. Add the first person who may use a tool from elsewhere.
people-locked = Your keyring is closed, so nobody's account can be read or changed, and nobody can sign in.
person-label = Person { $name }
add-person = Add person
add-person-text = They sign in with this name and a password.
person-name = Name to sign in with
person-name-hint = For example anna. Large and small letters are the same.
admin = Admin
admin-means = Kept with the account; it gives no right yet.
disabled = Disabled: nobody gets in with this account
disabled-choice = Disabled
disabled-means = Nobody gets in with this account until you change this. Whoever is signed in with it is out at once.
reach = May use
reach-all = All tools
reach-all-means = Those you add later, too.
reach-only = Only these
reach-none = No tool
rights-named = Change what { $name } may use
rights-title = What may { $name } use?
strong = Strong enough for the internet
weak = Local network only: password is too short for the internet
unproven = Imported: whether the password is strong enough shows at the first sign-in
invite-person = Invite
invite-title = Invite somebody
invite-text = They get a link with which they choose their own password. There is no account until then.
invite-time = The link is good for
invite-1-hour = 1 hour
invite-1-day = 1 day
invite-7-days = 7 days
invite-30-days = 30 days
invite-make = Make the link
invite-made = Invite for { $name }
invite-made-text = Whoever opens this link chooses the password of this account. It works once, until { $time }, and is shown this once. Hand it over in a safe way.
invite-link = Link
invite-copy = Copy the link
invite-qr = QR code of the link
invite-kept = I have handed it over
invites = Open invites
invite-ends = good until { $time }
invite-revoke = Revoke
invite-revoke-named = Revoke the invite for { $name }
approval-wants-in = { $name } wants in
approval-from = From { $address } · { $time }
approval-shows = The device shows
approval-text = The password was right, but this device is new. Say yes only if the person tells you that the device shows this number; anybody else who asks knows the password.
approval-program-text = The password was right, but it comes from a program that is new there. Say yes only if you know about it: then it is let in from this address for twelve hours. A token for it needs no asking.
approval-once = Let in once
approval-always = Let in always on this device
approval-refuse = Refuse
devices = Known devices
device-program = a program, from { $network } until { $time }
device-forget = Forget
device-forget-named = Forget: { $name }
guest-pass = Guest pass
guest-of = Guest pass for { $tool }
guest-text = A link with which somebody without an account uses one tool, on the first device that opens it. It ends by itself.
guest-tool = It opens
guest-label = Whom is it for?
guest-label-hint = Only to know it again in the list. May stay empty.
guest-time = It is good for
guest-1-hour = 1 hour
guest-4-hours = 4 hours
guest-1-day = 1 day
guest-7-days = 7 days
guest-read-only = Read only
guest-read-only-means = The guest may look, but send and change nothing. Live pages (WebSockets) do not work.
guest-make = Make the link
guest-made = Pass for { $tool }
guest-made-text = Whoever opens this link first can use the tool, until { $time }. It is shown this once. Hand it over in a safe way.
guest-link = Link
guest-copy = Copy the link
guest-qr = QR code of the link
guest-kept = I have handed it over
guest-passes = Guest passes
guest-none = None. A pass lets somebody without an account use one tool for some hours.
guest-nameless = A guest
guest-by = made by { $name }
guest-looks = read only
guest-waits = not opened yet
guest-open = from { $address } ({ $level }), last seen { $time }
guest-ends = good until { $time }
guest-revoke = Revoke
guest-revoke-named = Revoke the pass of { $name } for { $tool }
import-people = Import users
import-people-text = From an htpasswd file, or the users of a Flask program: one NAME:HASH a line. Their passwords stay as they are.
import-file = File
import-lines = Or its lines
import-lines-hint = bcrypt, apr1, SHA, SHA-crypt, and PBKDF2 or scrypt as Werkzeug writes them. Either all are imported or nobody.
import-large = { $file } is too large for a list of users; a list has at most 128 KiB.
last-seen = Last seen { $time }
not-signed-in = Not signed in
password = Password
password-made = Make a passphrase
password-made-means = Strong enough for the internet. It is shown once.
password-own = Choose it myself
password-new = New password
password-hint = 8 characters or more; 15 or more for the internet, unless there is a second factor.
password-strength = Strength
password-strength-of = { $score } of 4
password-for-lan = Good for the local network only: the internet needs 15 characters or more, or a second factor.
password-for-internet = Good for the internet too.
password-named = New password for { $name }
password-title = New password for { $name }
password-text = Every browser and program of this account is signed out, and its passwords for single devices stop working.
password-set = Set password
passphrase-title = Passphrase for { $name }
passphrase-text = The passphrase is shown this once. Copy it now and hand it over in a safe way.
passphrase-kept = I have kept it
factor-named = Second factor of { $name }
factor-title = Second factor of { $name }
factor-fact =
    { $count ->
        [0] Second factor, no recovery code left
        [one] Second factor, one recovery code left
       *[other] Second factor, { $count } recovery codes left
    }
factor-on = Signing in needs the password and a code from an authenticator app. Programs need a token.
factor-on-passkeys = Signing in needs a passkey, alone or with the password. Programs need a token.
factor-on-both = Signing in needs the password and a code from an authenticator app, or a passkey. Programs need a token.
factor-off = The password alone signs in.
factor-off-means = With a second factor, a password that others learn is not enough for them. This person needs an authenticator app on a phone, at hand now; or adds a passkey on their own account page.
factor-codes-left =
    { $count ->
        [0] No recovery code is left for a lost phone or key. Make new ones.
        [one] One recovery code is left for a lost phone or key. Make new ones soon.
       *[other] { $count } recovery codes are left for a lost phone or key.
    }
factor-begin = Set up
factor-begin-app = Set up an app
passkeys = Passkeys
passkey-remove = Remove
passkey-remove-named = Remove the passkey { $name }; what is signed in ends
passkey-beside = only with the password
factor-renew = New recovery codes
factor-remove = Remove second factor
factor-remove-title = Remove the second factor of { $name }?
factor-remove-text = The password alone signs in again; app, passkeys and recovery codes are gone. If it is shorter than 15 characters, it no longer does from the internet.
factor-scan = Scan this with the authenticator app of this person. It is shown once and good for ten minutes.
factor-qr = QR code for the authenticator app
factor-seed = Or type this into the app
factor-copy-seed = Copy what to type into the app
factor-code = Code the app shows
factor-code-hint = Six digits. When the second factor is turned on, every browser and program of this account is signed out, and its passwords for single devices stop working.
factor-confirm = Turn on
codes-title = Recovery codes for { $name }
codes-text = Each stands in for a lost phone once. They are shown this once; older ones no longer work. Hand them over in a safe way.
codes-copy = Copy all
codes-kept = I have kept them
remove-person = Remove { $name }?
remove-person-text = The account is gone at once. Every browser and program signed in with it is signed out and disconnected.
sessions = Signed in with
session-since = Since { $time } from { $address } · { $level }
session-plain = Without encryption
program-none = A program that gives no name
tokens = Passwords for single devices
tokens-none = None. A phone app or script gets one of its own, so that you can take it back alone.
token = Password
token-add = A password for one device
token-add-for = Add a password for one device of { $name }
token-add-text = For a phone app, a script, or anything else that cannot sign in with a browser. It opens tools, and changes nothing here.
token-name = What is it for?
token-name-hint = For example: backup on the NAS.
token-tool = It opens
token-time = It ends
token-30-days = after 30 days
token-a-year = after a year
token-no-end = when I revoke it
token-make = Make it
token-made = The new password
token-made-text = It is shown this once. It is used with the person's name, as a Bearer token, or in the field X-Drawbridge-Token.
copy-token = Copy the password
token-nameless = Without a name
token-unused = never used, made { $time }
token-ends = ends { $time }
token-revoke = Revoke
token-revoke-named = Revoke { $name }
agent-none = A browser that gives no name
both =
    Name: { $name }
    Passphrase: { $passphrase }

# First run

first-lead = Share a web tool of this computer, safely: only with whom you choose, only as far as you choose.
first-skip = Skip this
first-steps = Steps
first-step = Step { $step }: { $title }
first-what = What shall be shared?
first-what-means = A web program that already runs on this computer. Nothing is opened yet.
first-who = Who may use it?
first-who-means = Everyone signs in. This person may use this tool only; more tools and more people can be added later.
first-passphrase = A passphrase is made for them. You see it at the end.
first-far = How far?
first-far-means = You can change or close this at any time.
first-keep-local = Keep it on this computer
first-done = Done
first-open = { $tool } can be reached at this address:
first-local = { $tool } is listed and closed. Open it under Tools when you want to share it.
first-waiting = { $tool } could not be opened yet. It opens by itself when what is in the way is gone.
first-warning = The visitor's browser warns the first time, because it does not know this computer's own certificate yet. That is expected.
first-finish = To the overview
first-begin = Begin
invitation =
    { $tool }: { $url }
    Name: { $name }
    Passphrase: { $passphrase }
