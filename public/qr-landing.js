// The code of a QR sign-in rides in the fragment: it leaves the address bar before anyone can copy it.
history.replaceState(null, '', location.pathname);
