#!/usr/bin/env bash
# Installs what some tests use from the system, where this may be done; says what stays untested where it may not.
#   chromium   browser tests           pulseaudio, pactl, libportaudio2, libasound2-plugins   sound-card tests
#   strace     trace of the device     dbus   what doctor says of Bluetooth     fonts-noto-cjk   Chinese in screenshots
set -u
wanted=()
command -v chromium >/dev/null || wanted+=(chromium)
command -v pulseaudio >/dev/null || wanted+=(pulseaudio)
command -v pactl >/dev/null || wanted+=(pulseaudio-utils)
command -v dbus-daemon >/dev/null || wanted+=(dbus)
command -v strace >/dev/null || wanted+=(strace)
ldconfig -p 2>/dev/null | grep -q libportaudio.so.2 || wanted+=(libportaudio2)
ls /usr/lib/*/alsa-lib/libasound_module_pcm_pulse.so >/dev/null 2>&1 || wanted+=(libasound2-plugins)
fc-list 2>/dev/null | grep -qi 'noto.*cjk' || wanted+=(fontconfig fonts-noto-cjk)
[ ${#wanted[@]} -eq 0 ] && exit 0
if [ "$(id -u)" -ne 0 ] || ! command -v apt-get >/dev/null; then
  echo "not installed, tests that need it are skipped: ${wanted[*]}"
  exit 0
fi
echo "installing for tests: ${wanted[*]}"
log=$(mktemp)
if ! { apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "${wanted[@]}"; } >"$log" 2>&1; then
  tail -n 5 "$log"
  echo "could not install, tests that need it are skipped: ${wanted[*]}"
fi
rm -f "$log"
