# The tray's menu and what the desktop program says itself. One message per visible sentence.

tray-starting = Drawbridge is starting
tray-gone = Drawbridge is not running
tray-start = Start it again
tray-closed = Nothing is reachable from elsewhere
tray-lan = Open on the local network: { $names }
tray-anybody = Open to anybody on this network, without a password: { $names }
tray-internet = Open to the internet: { $names }
tray-trouble = Something is not as you wanted it
tray-trouble-open = Open: { $names }. Something is not as you wanted it
tray-problems = { $count ->
    [one] One thing needs you
   *[other] { $count } things need you
}…
tray-approvals = { $count ->
    [one] Somebody waits to be let in
   *[other] { $count } people wait to be let in
}…
notice-title = { $name } wants in
notice-number = The password is right, the device is new. It shows the number { $number }; it calls from { $address }.
notice-program = The password is right, but it comes from a program that is new here, at { $address }.
notice-show = Answer…
tray-first-tool = Share your first tool…
tray-tool = { $name } – { $level }
tray-short-local = this computer
tray-short-lan = local network
tray-short-internet = internet
tray-level-local = This computer only
tray-level-lan = Local network, with password
tray-level-internet = Internet, with HTTPS
tray-tool-anybody = Open to anybody on this network, without a password
tray-with-password = Ask for a password again
tray-limit = Opened here, it closes by itself after 8 hours
tray-copy = Copy share address
tray-qr = Show QR code…
tray-open = Open on this computer
tray-visitors = { $count ->
    [one] One person is in
   *[other] { $count } people are in
}
tray-close-all = Close everything
tray-settings = Settings…
tray-quit = Quit
tray-quit-stay = Quit (what is open stays open)
tray-quit-closes = { $count ->
    [one] Quit and close { $names }
   *[other] Quit and close { $count } tools: { $names }
}

tray-engine-away = Drawbridge is not running right now. Start it again, then repeat what you did.
tray-engine-gone = Drawbridge stopped, so nothing it shared can be reached through it. Start it again when you want to go on.
tray-copy-failed = The clipboard could not be used ({ $cause }). Select the text and copy it yourself.
tray-browse-failed = The browser could not be opened ({ $cause }). Copy the address and open it yourself.
tray-not-understood = Window and engine do not understand each other ({ $cause }). Both should be of one version; restart Drawbridge.
