# What the owner reads of the engine, in a window and at a terminal.
#
# Most messages are clauses, because they are also read inside others and after a colon: they begin with a small letter,
# not with a name that must stay small, and have no full stop. A window gives them both where they stand alone. Those that
# are never part of another are whole already.
#
# A message names no command. Where a terminal would, its attribute `.terminal` says it there instead.

# A clause alone, with its end.
whole = { $clause }.
# Words that were chosen elsewhere: what a running engine answered.
engine-said = { $text }

## Requests

busy = Drawbridge is busy or stopping; try again in a moment
request-from-page = requests from web pages are not taken here
request-too-long = the request is too long or incomplete
request-not-understood = the request is not understood: { $cause }
request-no-path = there is nothing at this path
request-bad-revision = If-Match names no revision
reply-unwritten = the reply could not be written; try again
stale = something changed since you looked; look again and decide anew

## Asking a running engine

not-running = Drawbridge is not running; start it
    .terminal = Drawbridge is not running; start it with `drawbridge serve`
broken-off = Drawbridge stopped before it answered; start it again and look at what happened
    .terminal = Drawbridge stopped before it answered; start it again and look at what happened with `drawbridge status`
answer-strange = Drawbridge answered in a way this program does not understand; both should be of one version

## Tools

tool-unknown = there is no tool called `{ $name }`; it may have another name now, or be gone
    .terminal = there is no tool called `{ $name }`; `drawbridge tool list` shows all
tool-exists = there is already a tool called `{ $name }`; choose another name
tool-port-own = { $port } is one of Drawbridge's own ports; give the tool's port
tool-origin = `{ $text }` is no origin; give scheme, host and port alone, like https://app.example or http://192.168.1.5:3000
settings-origins = { $name } lists more than { $most } origins
settings-identity-header = `{ $name }` cannot tell a tool who signed in; give a field of its own, like Remote-User
secret-unknown = the tool has no secret `{ $name }`
secret-in-clear = `{ $name }` is on another machine, and a secret would go there in clear: give it an https:// address, or no secret
secret-too-many = a tool can be given { $most } secrets; remove one first
secret-header = this header field cannot carry a secret; give the one the tool asks for, like Authorization or X-Api-Key
secret-query = this is no name of a query parameter; letters, digits, `-`, `_` and `.` are
secret-user = the user name must have no colon and no control character
secret-empty = the secret is empty
secret-too-long = the secret is longer than 4,096 bytes
secret-blank = the secret begins or ends with a blank
secret-letter = the secret has a letter that cannot be sent there: a line break, or one that is not ASCII
trouble-secret-what = { $tool } gets no secret
trouble-secret-why = Its address was changed in the settings file, and its secrets were given for another one.
trouble-secret-do = Give the secrets again, or remove them.
    .terminal = Give the secrets again with `drawbridge secret set`, or remove them with `drawbridge secret remove`
trouble-secret-lost-what = A secret of { $tool } cannot be read
trouble-secret-lost-why = It was damaged, or sealed by another installation.
trouble-secret-lost-do = Give it again.
    .terminal = Give it again: drawbridge secret set "{ $tool }"
tool-open = `{ $name }` is open; close it first, then give it another target
    .terminal = `{ $name }` is open; close it first with `drawbridge level { $name } local`, then give it another target
target-unreadable = `{ $text }` is not an address like http://127.0.0.1:8888; give the tool's port or URL
target-scheme = `{ $scheme }:` cannot be shared; give an address that begins with http://, https://, h2c:// or unix:
target-with-credentials = leave the user name and password out of the tool's address: only http://HOST:PORT is meant
target-with-path = leave the path out of the tool's address: only http://HOST:PORT is meant
target-elsewhere = `{ $target }` is not on this computer: whoever signs in would reach another machine through this one; if that is meant, allow it for this tool
    .terminal = `{ $target }` is not on this computer: whoever signs in would reach another machine through this one; if that is meant, say so with --allow-network-target
target-socket = `{ $path }` is no socket; give the whole path of one, like unix:/run/user/1000/tool.sock
target-no-certificate = no certificate was seen at { $target }: { $why }; start the tool first, so that Drawbridge knows it again later
target-unusable = `{ $target }` is no address a tool can listen on; give http://127.0.0.1:PORT

## Levels

no-user = nobody could sign in yet: add a person first
    .terminal = nobody could sign in yet: add a user first with `drawbridge user add NAME`
no-user-of-tool = nobody may use this tool yet: allow it to a person, or add one
    .terminal = no account may use this tool yet: allow one with `drawbridge user set NAME --tools ...`, or add one
no-strong-user = from the internet only people with a strong password or a second factor get in, and none of those for this tool has one: give one a password of 15 characters or more, or a second factor
    .terminal = from the internet only accounts with a strong password or a second factor get in, and none of those for this tool has one: give one a password of 15 characters or more with `drawbridge user passwd NAME`, or a second factor with `drawbridge user totp NAME begin`
no-network = no local network was found; connect this computer to one and try again
    .terminal = no local network was found; connect to one, or name this computer's address with `drawbridge serve --lan ADDRESS`
address-not-here = { $address } is not an address of this computer now; name one that is
no-address = `{ $tool }` has no address for others now; open it further first
    .terminal = `{ $tool }` is { $level } now, so it has no address for others; raise it with `drawbridge level { $tool } lan`
no-gate = no tool is open, so the gate is closed too; open one first
    .terminal = no tool is open, so the gate is closed too; raise one with `drawbridge level NAME lan`
time-for-local = a time limit only fits raising a level; leave it out
    .terminal = a time limit only fits raising a level; leave --for out
time-out-of-range = a time limit has at least one second and at most a year; give another
anybody-shared = strangers in this network could use the tool and change what it holds, so it stays closed to them: give people an account or an invite instead
    .terminal = strangers in this network could use the tool and change what it holds, so it stays closed to them: give people an account with `drawbridge user add NAME`, or an invite with `drawbridge user invite NAME`
anybody-time = without a password a tool is open for one second to 12 hours; choose another time
anybody-no-door = `{ $tool }` has no door on the local network that works now; look at what is wrong with it first
    .terminal = `{ $tool }` has no door on the local network that works now; look at what is wrong with `drawbridge status` first

## Ports

port-taken = port { $port } on { $address } is in use by another program
port-forbidden = port { $port } needs rights this program does not have; choose one above 1023
port-gone = { $address } is not an address of this computer now
port-failed = listening on { $address } failed ({ $cause })
port-unusable = { $cause }; free it, or choose another port
    .terminal = { $cause }; free it, or choose another with `drawbridge tool set` or `drawbridge settings set`
no-port = no free port was found near { $port }; free one, or choose another
    .terminal = no free port was found near { $port }; free one, or choose another with `drawbridge tool set` or `drawbridge settings set`

## Saving

unsaved = it could not be saved ({ $cause }), so nothing was changed; check that the disk is neither full nor read-only
closed-unsaved = closed, but that could not be saved ({ $cause }); it stays closed after a restart too; free some disk space
in-force-unsaved = it is in force now, but it could not be saved ({ $cause }), so a restart would undo it; free some disk space and do it again
marker-left = closed, but an open-marker could not be removed ({ $cause }); remove the folder `open` in the home by hand
store-failed = it could not be saved ({ $cause }); check that the disk is neither full nor read-only
store-busy = the database is busy; try again in a moment

## People

user-unknown = there is no person called `{ $name }`; the account may be gone already
    .terminal = there is no user called `{ $name }`; `drawbridge user list` shows all
user-exists = there is already a person called `{ $name }`; choose another name
    .terminal = there is already a user called `{ $name }`; choose another name
second-factor-present = `{ $name }` has an authenticator app already; remove the second factor first, then set up another
    .terminal = `{ $name }` has an authenticator app already; remove the second factor first with `drawbridge user totp { $name } remove`
second-factor-none = `{ $name }` has no second factor; set one up first
    .terminal = `{ $name }` has no second factor; set one up with `drawbridge user totp { $name } begin`
passkey-unknown = `{ $name }` has no passkey { $id }
    .terminal = `{ $name }` has no passkey { $id }; `drawbridge user passkeys { $name }` lists them
passkeys-too-many = an account has at most { $most } passkeys; remove one first
passkey-known = this passkey stands for an account already
second-factor-not-begun = nothing waits to be confirmed for `{ $name }`: it took longer than ten minutes, or the account was changed meanwhile; begin again
    .terminal = nothing waits to be confirmed for `{ $name }`: it took longer than ten minutes, or the account was changed meanwhile; begin again with `drawbridge user totp { $name } begin`
second-factor-wrong-code = this is not the code the app shows now; give the newest one, and check that the clocks of the phone and of this computer are right
session-unknown = there is no session `{ $id }`; it may be over already
    .terminal = there is no session `{ $id }`; `drawbridge session list` shows all
token-unknown = there is no token `{ $id }`; it may be over already
    .terminal = there is no token `{ $id }`; `drawbridge token list` shows all
token-name = a token's name has up to 64 letters and no control characters; choose another
token-time = a token lives from one second to ten years, or without an end; choose another time
token-too-many = one user has at most { $most } tokens; revoke those that nobody uses
approval-unknown = nobody waits as `{ $id }` any more; it was answered already, or took longer than five minutes
    .terminal = nobody waits as `{ $id }`; `drawbridge approval list` shows who does
approval-program-always = a program that sends name and password with each request has no device that could be known; let it in once, which is good for twelve hours, or give it a token
device-unknown = there is no device `{ $id }`; it may be forgotten already
    .terminal = there is no device `{ $id }`; `drawbridge approval devices` shows all
invite-unknown = there is no open invite `{ $id }`; it may be accepted or over already
    .terminal = there is no open invite `{ $id }`; `drawbridge user invites` shows all
invite-exists = there is an open invite for `{ $name }` already; revoke it first, then make another
    .terminal = there is an open invite for `{ $name }` already; revoke it first with `drawbridge user uninvite { $id }`, then make another
invite-time = an invite is good for one second to 30 days; choose another time
invite-too-many = at most { $most } invites are open at once; revoke those that nobody will use
pass-unknown = there is no open pass `{ $id }`; it may be over already
    .terminal = there is no open pass `{ $id }`; `drawbridge pass list` shows all
pass-tool-closed = `{ $tool }` is not open anywhere, so a guest could not get in; open it first
    .terminal = `{ $tool }` is not open anywhere, so a guest could not get in; open it first with `drawbridge level`
pass-label = a pass's label has up to 64 letters and no control characters; choose another
pass-time = a pass is good for one minute to 7 days; choose another time
pass-too-many = at most { $most } passes are open at once, and 20 of one person; revoke those that nobody uses
user-name-length = a name has 1 to 64 letters; choose another
user-name-kept = guests and people without a password are called so; choose another name
user-name-letters = a name has no colon, slash, control character or blank at its ends; choose another
password-short = a password has 8 characters or more (15 or more to be of use on the internet); choose a longer one
password-weak = from the internet a password needs 15 characters or more; choose a longer one
password-long = a password has at most 1,024 bytes; choose a shorter one
password-common = this password is among those guessed first; choose another, or let Drawbridge make one
import-too-long = a list of users has at most { $most } KiB; import it in parts
import-empty = there is nobody in this list; give lines of NAME:HASH, as in an htpasswd file
import-lines = nobody was imported, because of { $lines }; correct the list and import it again
import-and = { $first }; { $then }
import-line = line { $line }: { $why }
import-more = { $count ->
    [one] and { $count } more line
   *[other] and { $count } more lines
}
import-colon = there is no colon between name and hash
import-twice = the name stands on line { $first } already
import-exists = there is already a person of this name
    .terminal = there is already a user of this name
import-hash-unknown = what follows the name is no hash that is taken: bcrypt, apr1, SHA, SHA-crypt, or PBKDF2 and scrypt as Werkzeug writes them (never plain text or traditional crypt)
import-hash-damaged = the hash is incomplete or damaged
import-hash-expensive = the hash would take too much work or memory to verify
trouble-first-user-what = The first user was not made
trouble-first-user-why = { $cause }.
trouble-first-user-do = Start Drawbridge again with another DRAWBRIDGE_BOOTSTRAP_USER and DRAWBRIDGE_BOOTSTRAP_PASSWORD, or add a person under People.
    .terminal = Start again with another DRAWBRIDGE_BOOTSTRAP_USER and DRAWBRIDGE_BOOTSTRAP_PASSWORD, or add a user: drawbridge user add NAME --admin
hash-busy = too many sign-ins at once; try again in a moment
hash-failed = the password could not be hashed; close some programs and try again

## Settings

setting-unknown = there is no setting called `{ $name }`; choose one that is in the list
    .terminal = there is no setting called `{ $name }`; `drawbridge settings get` shows all
setting-bad = `{ $value }` is not good for { $key }; { $hint }
setting-hint-port = give a port from 1 to 65535, or nothing to let Drawbridge choose
setting-hint-names = give host names separated by commas, or nothing
setting-hint-local-names = give names under home.arpa, local, lan, internal or localhost
setting-hint-host = give the name or address by which this computer is reached, or nothing
setting-hint-approval = give desk, always or never
setting-hint-domain = give the domain under which each tool has its name, or nothing
setting-hint-loses-door = an open tool would lose its address; close it first, then set this
settings-tool-twice = two tools are called `{ $name }`; give one another name
settings-tool-name = `{ $name }` is no name for a tool: 1 to 60 letters, no blanks at its ends; choose another
settings-network-target = `{ $name }` points to another machine; set network_target = true if that is meant
setting-hint-front = give the addresses of your own proxy between commas, like 127.0.0.1,::1 or 172.17.0.2, or nothing; wider networks than that would let strangers say who they are
settings-front-domain = a proxy in front needs internet.domain first: each tool has its own name behind it
settings-front-hops = at most { $most } addresses can be trusted in front
front-of-open = a tool is open on the internet: lower it first, then change what stands in front of it
trouble-front-what = The proxy in front of the internet doors is not set up right
trouble-front-scheme-why = It did not say that a visitor came over HTTPS (X-Forwarded-Proto: https), so the visitor was refused.
trouble-front-client-why = It did not say where a visitor came from (X-Forwarded-For), so the visitor was refused.
trouble-front-do = Add the missing header to the proxy's settings.
    .terminal = Add the missing header to the proxy's settings, as docs/fronted.md shows
settings-port-twice = port { $port } is given to two doors; change one
settings-host = `{ $host }` is no host name or address; correct it
settings-unreadable = the file settings.toml could not be read ({ $cause }); check the disk and the rights of the home folder
    .terminal = settings.toml could not be read ({ $cause }); check the disk and the rights of the home folder
settings-no-text = it is not UTF-8 text
settings-no-toml = { $cause }

## The key to what is sealed

keyring-no-bus = there is no session bus, so no keyring can be reached; start Drawbridge from the desktop session, or with a passphrase file instead
    .terminal = there is no session bus, so no keyring can be reached; start Drawbridge from the desktop session, or choose a passphrase file with --keyring passphrase-file=PATH
keyring-no-service = no keyring program answers in this session; install and start gnome-keyring, KWallet or KeePassXC, or start Drawbridge with a passphrase file instead
    .terminal = no keyring program answers in this session; install and start gnome-keyring, KWallet or KeePassXC, or choose a passphrase file with --keyring passphrase-file=PATH
keyring-no-collection = the keyring program has no keyring yet; sign in to the desktop with a password once or create a default keyring in the program, and try again
keyring-locked = the keyring is locked; unlock all of its keyrings (signing in to the desktop usually does) and try again
keyring-timed-out = the keyring did not answer within { $seconds } seconds, probably because a dialog waits for its password; answer that dialog on this computer's screen and try again
keyring-damaged = the keyring's entry for this installation does not hold a Drawbridge key; bring that entry back from a backup of the keyring, or use the recovery code
    .terminal = the keyring's entry for this installation does not hold a Drawbridge key; bring that entry back from a backup of the keyring, or run `drawbridge recovery use` with the recovery code
keyring-several = the keyring holds more than one key for this installation; remove all but the right one in the keyring program and try again
keyring-failed = the keyring of this computer failed; sign out and in again, and if that does not help see the log for the cause
passphrase-inside-home = the passphrase file { $path } lies inside Drawbridge's home, where a copy of the home would take the key along; move it to another folder and give its new path
passphrase-missing = there is no passphrase file at { $path }, and what is sealed with it cannot be opened without it; bring it back, correct the path, or use the recovery code
    .terminal = there is no passphrase file at { $path }, and what is sealed with it cannot be opened without it; bring it back, correct the path, or run `drawbridge recovery use` with the recovery code
passphrase-folder-missing = the folder of the passphrase file { $path } does not exist; make it first, or correct the path
passphrase-no-file = { $path } is not a regular file; give the path of a file that holds the passphrase
passphrase-foreign = the passphrase file { $path } belongs to another account of this computer, which could change it; make it yours or give another file
    .terminal = the passphrase file { $path } belongs to another account of this computer, which could change it; make it yours with chown or give another file
passphrase-too-open = the passphrase file { $path } can be used by other accounts (mode { $mode }); take their rights away and change the passphrase if others may have read it
    .terminal = the passphrase file { $path } can be used by other accounts (mode { $mode }); run chmod 600 on it and change the passphrase if others may have read it
passphrase-empty = the passphrase file { $path } is empty; bring its content back, or remove it if nothing was sealed yet
passphrase-too-long = the passphrase file { $path } holds more than { $bytes } bytes; give a file that holds nothing but the passphrase
passphrase-unread = the passphrase file { $path } could not be read; check the path and the rights of its folder
passphrase-unwritten = the passphrase file { $path } could not be created; check that its folder exists and that you may write there
passphrase-underived = the root key could not be derived from the passphrase file; report this as a fault of Drawbridge
key-missing = the keyring has no key for this installation, so nothing sealed here can be opened; bring the old keyring back, or use the recovery code
    .terminal = the keyring has no key for this installation, so nothing sealed here can be opened; bring the old keyring back, or run `drawbridge recovery use` with the recovery code
key-wrong = the key in the keyring does not open this installation's sealed data; bring the right keyring back, or use the recovery code
    .terminal = the key in the keyring does not open this installation's sealed data; bring the right keyring back, or run `drawbridge recovery use` with the recovery code
key-wrong-passphrase = the passphrase file does not open this installation's sealed data; bring the right file back, or use the recovery code
    .terminal = the passphrase file does not open this installation's sealed data; bring the right file back, or run `drawbridge recovery use` with the recovery code
key-file-missing = the file keys.json is missing while sealed data is there; put it back from a backup, or move the whole home away to start anew
    .terminal = keys.json is missing while sealed data is there; put keys.json back from a backup, or move the whole home away to start anew
key-file-damaged = the file keys.json is damaged; put it back from a backup, or move the whole home away to start anew
    .terminal = keys.json is damaged; put it back from a backup, or move the whole home away to start anew
key-file-disk = the file keys.json could not be read or written ({ $cause }); check the disk and the rights of the home folder
    .terminal = keys.json could not be read or written ({ $cause }); check the disk and the rights of the home folder
recovery-none = no recovery code was made for this installation; only the keyring it was made with can open it
recovery-wrong = this recovery code does not open this installation; check it letter by letter
seal-broken = a sealed value does not open: it is damaged or belongs to another installation
no-randomness = this computer gave no random numbers; restart it

## Certificates

import-certificate-too-large = the certificate file is larger than { $bytes } bytes; choose the file with this server's certificate alone
import-key-too-large = the key file is larger than { $bytes } bytes; choose the file with this server's certificate alone
import-certificate-no-pem = the certificate file is not in PEM format; convert it to PEM, the text format with lines like -----BEGIN …-----
import-key-no-pem = the key file is not in PEM format; convert it to PEM, the text format with lines like -----BEGIN …-----
import-no-certificate = the certificate file holds no certificate; choose the file with a -----BEGIN CERTIFICATE----- line
import-certificate-damaged = the certificate file is damaged; copy it again, whole and unchanged, from where it was made
import-key-damaged = the key file is damaged; copy it again, whole and unchanged, from where it was made
import-one-damaged = certificate { $position } in the file is damaged; copy the file again from where it was made
import-no-key = the key file holds no private key; choose the file with a -----BEGIN PRIVATE KEY----- line
import-key-encrypted = the private key is protected by a passphrase; give a copy of it without one
    .terminal = the private key is protected by a passphrase; remove it first with: openssl pkey -in KEY -out NEWKEY
import-several-keys = the key file holds { $count } private keys; choose a file with the certificate's own key alone
import-key-unusable = the private key cannot be used; use an ECDSA key (P-256, P-384) or an RSA key of 2048 to 8192 bits
import-key-mismatch = the private key does not belong to the certificate; choose the key the certificate was requested with
import-authority = the certificate is an authority's, not a server's; choose the server's own, or make one with basicConstraints=CA:FALSE
import-out-of-order = certificate { $position } ({ $subject }) is out of order; put the server's certificate first, then each one's issuer
import-not-issued-by-next = certificate { $position } ({ $subject }) was not issued by the one after it; use the full chain file of the issuer
import-chain-not-valid-now = certificate { $position } ({ $subject }) is not valid now; get the current chain file from the issuer
import-expired = the certificate expired on { $day }; renew it and import the new one
import-not-yet-valid = the certificate is not valid before { $day }; check the clock of this computer, or wait
import-no-names = the certificate names no host and no address; request one with a subject alternative name
import-not-for-servers = the certificate is not meant for servers; request one for server authentication
import-weak-key = the certificate's RSA key has { $bits } bits, which browsers refuse; request a new one with 2048 or more
import-unusable = the certificate cannot be used for TLS; request a new one from the issuer
import-other-names = this certificate is for { $covers }, not for { $host }; import one for { $host }, or take this one away first
    .terminal = this certificate is for { $covers }, not for { $host }; import one for { $host }, or take this one away first with `drawbridge certificate remove`
certificate-expired = the certificate for the internet expired or cannot be used; import a new one
    .terminal = the certificate for the internet expired or cannot be used; import a new one with `drawbridge certificate import`
certificate-unusable = the certificate could not be put to use ({ $cause }); make or import another
certificate-none = there is no certificate
certificate-unreadable = the certificate cannot be read
certificate-key-unusable = the private key cannot be used
certificate-key-mismatch = the private key does not belong to the certificate
certificate-refused = the certificate cannot be used for TLS
stored-closed = it does not open with this key
stored-empty = it is empty
make-clock = the clock of this computer shows a date no certificate can carry; set the clock
make-randomness = could not draw random numbers; restart this computer if this happens again
make-key = could not make a private key; restart this computer if this happens again
make-no-names = a certificate needs at least one address or host name; add one
make-name = a certificate cannot carry the name "{ $name }"; use letters, digits, hyphens and dots
make-unsigned = could not sign the certificate; please report this
make-unread = the certificate just made cannot be read back; please report this
authority-none = there is no local authority yet; it is made when the first tool is opened
    .terminal = there is no local authority yet; it is made when the first tool goes to lan
authority-unusable = the local authority of this installation cannot be used ({ $cause }); put a backup of drawbridge.db back, or start anew with another home
authority-unreadable = the local authority's certificate cannot be read; restore a backup or make a new authority
authority-refused = the local authority's certificate would be refused; restore a backup or make a new authority
authority-key-unreadable = the local authority's key cannot be read; restore a backup or make a new authority
authority-key-mismatch = the local authority's key and certificate do not belong together; restore both from one backup
authority-not-ours = the kept certificate is not a local authority as this program makes it; make a new authority
authority-not-yet-valid = the local authority is not valid yet; check the clock of this computer
authority-expired = the local authority has expired; make a new one and trust it on your devices
authority-outside = the local authority may not name { $name }; use a private address or a name under home.arpa, lan or local

## Starting

home-no-place = this system names no folder for application data; start Drawbridge with a folder of your choice
    .terminal = this system names no folder for application data; say where with --home DIR
home-unusable = the home folder { $path } cannot be used ({ $cause }); make it writable or start Drawbridge with another
    .terminal = the home folder { $path } cannot be used ({ $cause }); make it writable or choose another with --home DIR
desktop-running = the window of Drawbridge is open already for this home; it was called to the front
desktop-silent = another Drawbridge window has this home and does not answer ({ $cause }); end that program, then start again
home-running = Drawbridge is already running for { $path }; use that one
    .terminal = Drawbridge is already running for { $path }; use that one, or choose another with --home DIR
lan-wildcard = { $address } means every network; give the one address of this computer that is meant
lan-global = { $address } is not a private address; only private, link-local and loopback addresses can be a local network
socket-unmade = the control socket { $path } could not be made ({ $cause }); make its folder writable
log-unopened = the log in { $path } could not be opened ({ $cause }); make the folder writable
database-unopened = the database could not be opened ({ $cause }); check the disk and the rights of the home folder
database-not-kept = the damaged database could not be kept aside ({ $cause }); check the disk and the rights of the home folder
no-thread = this computer has no thread left ({ $cause }); close some programs
tls-no-tickets = could not make keys for session tickets; restart this computer if this happens again
tls-unprepared = could not prepare TLS; please report this

## What is special about a door, or why it is not open: read after its address

door-waits = waits for you to open it
door-closed = closed
door-certificate = the certificate expired or cannot be used; import a new one
door-address-gone = { $address } is not an address of this computer now
door-no-network = this computer is on no local network now
door-other-network = this is another network than the one it was opened on; open it again to use it here
door-tool-down = nothing answers at the tool's own address now; start it
door-anybody = anybody on this network may use it, without a password
door-plain = http:// works too, without encryption: anyone on this network can read and change what is sent there, passwords too
door-anybody-plain = anybody on this network may use it, without a password; http:// works too, without encryption
door-self-signed = self-signed certificate: browsers warn, and visitors should compare its fingerprint

## What the owner should know: what is wrong, why, what to do

trouble-key-what = Nothing sealed can be opened, so everything is closed
trouble-key-do = When that is mended, unlock.
    .terminal = When that is mended, run: drawbridge unlock

trouble-authority-what = The local authority cannot be used
trouble-internet-what = The certificate for the internet cannot be used
trouble-stored-do = Put a backup of drawbridge.db back, or for the internet import a certificate again.

trouble-lower-what = { $tool } shall be open for { $wanted }, but is { $level }
trouble-lower-why = The settings ask for more than you ever opened here.
trouble-lower-do = If you want it open, open it yourself.
    .terminal = To open it: drawbridge level "{ $tool }" { $wanted }

trouble-door-what = { $tool } cannot be reached at { $url }
trouble-door-do = It is tried again every two seconds; or choose another port.
    .terminal = It is tried again every two seconds; or choose another port with drawbridge tool set
trouble-door-certificate-do = Import a new certificate.
    .terminal = Import a new one: drawbridge certificate import --cert FILE --key FILE
trouble-door-network-do = Open it again to use it here.
    .terminal = To use it here: drawbridge level "{ $tool }" { $level }

trouble-anybody-what = { $tool } is open to anybody on this network, without a password
trouble-anybody-why = You said that this network is your home. Whoever is in it can use the tool and change what it holds.
trouble-anybody-do = Ask for a password again as soon as nobody needs this any more.
    .terminal = To ask for a password again: drawbridge level "{ $tool }" lan --password

trouble-plain-what = { $tool } is open without encryption too
trouble-plain-why = Anyone on this network can read and change what is sent to its http:// address, passwords too.
trouble-plain-do = Switch plain HTTP off as soon as no device needs it any more.
    .terminal = Switch it off when no device needs it any more: drawbridge tool set "{ $tool }" --plain-http off
trouble-plain-waits-what = { $tool } is not open without encryption, although the settings ask for it
trouble-plain-waits-why = It was never allowed here for this tool at this address.
trouble-plain-waits-do = If you want it, change the tool and allow it; else change it and switch it off.
    .terminal = To allow it: drawbridge tool set "{ $tool }" --plain-http on; to forget it: off

trouble-tool-down-what = { $tool } is not running
trouble-tool-down-why = Nothing answers at { $target }.
trouble-tool-down-do = Start the tool.
trouble-tool-foreign-what = { $tool } is not yours
trouble-tool-foreign-why = Another user's program listens at { $target }; nothing was sent to it.
trouble-tool-foreign-do = Find out who took the port, and start the tool again.
trouble-tool-changed-what = { $tool } shows another certificate
trouble-tool-changed-why = What listens at { $target } is not what was added, or its certificate was renewed; nothing was sent to it.
trouble-tool-changed-do = If it was renewed, close the tool, then change it and take the certificate it shows now.
    .terminal = If it was renewed, close the tool and give its address again: drawbridge tool set "{ $tool }" --url { $target }
trouble-tool-broken-what = { $tool } answers strangely
trouble-tool-broken-why = What came from { $target } made no sense.
trouble-tool-slow-what = { $tool } takes too long
trouble-tool-slow-why = { $target } gave no answer in ten minutes.
trouble-tool-log-do = Look at the tool's own log.

trouble-recovery-what = There is no recovery code
trouble-recovery-why = If the keyring is lost, everything sealed here is lost with it.
trouble-recovery-do = Make one and keep it safe.
    .terminal = Make one and keep it safe: drawbridge recovery create

trouble-self-signed-what = The internet door has a self-signed certificate
trouble-self-signed-why = Browsers warn, and visitors get used to clicking warnings away.
trouble-self-signed-do = Import your own certificate.
    .terminal = Import your own: drawbridge certificate import --cert FILE --key FILE

trouble-unsaved-what = A tool was closed, but that could not be saved
trouble-unsaved-do = Free some disk space.

trouble-left-what = { $tool } was closed
trouble-left-why = This computer left the network it was open on.
trouble-left-do = Open it again to use it here.
    .terminal = Open it again with: drawbridge level "{ $tool }" lan

trouble-account-what = { $name } cannot sign in
trouble-account-why = What is stored of this account does not open with this installation's key.
trouble-account-do = Remove and add the account again.

trouble-programs-what = Programs have to sign in again
trouble-programs-why = The key their sign-ins were signed with does not open any more. There is a new one.
trouble-programs-do = Nothing, unless a program asks for its password.

trouble-file-what = { $file } could not be used, so everything is closed
trouble-file-why = It was kept as { $aside }: { $reason }.
trouble-file-damaged = SQLite found it damaged
trouble-file-do = Stop Drawbridge, put a good copy in its place and start again; or set things up anew.
trouble-database-missing-what = drawbridge.db was missing or empty, so everything is closed and every account is gone
trouble-database-missing-why = It is there in every home that was used before; something removed or emptied it.
