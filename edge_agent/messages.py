"""What the program says to people, in English and Chinese."""

import os
from collections.abc import Mapping
from typing import Final

from models.errors import VoicetrailError

ENGLISH: Final = "en"
CHINESE: Final = "zh"

_TEXTS: Final[dict[str, tuple[str, str]]] = {
    "enrolled": (
        "Enrolled: device {device} of {tenant} at {server}. Its private key stays in {folder}.",
        "注册完成：设备 {device}，租户 {tenant}，服务器 {server}。私钥只保存在 {folder}。",
    ),
    "plain_http": (
        "Warning: {server} is plain http beyond this machine; texts can be read on the way. Use https.",
        "警告：{server} 不是本机，却使用明文 http，文字在途中可能被看到。请使用 https。",
    ),
    "loading": ("Loading the speech recogniser …", "正在载入语音识别模型……"),
    "assembling": ("Preparing the recognition weights, once", "首次使用，正在准备识别模型"),
    "hearing": ("Hearing {name}", "正在收听 {name}"),
    "resumed": (
        "{name} was interrupted at {at}; going on from there.",
        "{name} 上次在 {at} 中断，从那里继续。",
    ),
    "known": (
        "{name} was recorded before as {conversation}: sending its {count} records again (--again records it anew).",
        "{name} 之前已经录过（{conversation}）：重新发送其 {count} 条记录（--again 可重新录一次）。",
    ),
    "known_declined": (
        "{name} was counted before as withheld: sending its {count} records again.",
        "{name} 之前已记为未同意时段：重新发送其 {count} 条记录。",
    ),
    "declined": (
        "{name}: consent was declined. Nothing was recognised; {seconds:.1f} s are recorded as withheld.",
        "{name}：客户未同意。没有识别任何内容，只记录 {seconds:.1f} 秒未收听。",
    ),
    "interrupted_closed": (
        "{count} conversations that an earlier run left open were closed.",
        "已关闭之前异常退出时未结束的 {count} 个接待。",
    ),
    "listening": (
        "Listening to {name}. Ctrl-C ends the conversation.",
        "正在收听 {name}。按 Ctrl-C 结束本次接待。",
    ),
    "role_staff": ("staff", "员工"),
    "role_customer": ("customer", "客户"),
    "role_unknown": ("unknown", "未知"),
    "microphone_gone": (
        "NOT HEARING: the microphone is gone ({reason}). It is waited for; this time counts as lost.",
        "没有在收听：麦克风断开（{reason}）。正在等待恢复，这段时间记为丢失。",
    ),
    "no_microphones": (
        "No microphone was found; voicetrail-edge doctor says what may be missing.",
        "没有找到麦克风；运行 voicetrail-edge doctor 查看缺少什么。",
    ),
    "device_channels": ("channels: {count}", "声道数 {count}"),
    "device_default": ("the system's default", "系统默认"),
    "device_battery": ("battery {percent} %", "电量 {percent}%"),
    "device_unencrypted": ("NOT ENCRYPTED: others nearby can listen", "未加密：附近的人可能听到"),
    "device_unconfirmed": (
        "where its microphones are is not confirmed: try its directions before relying on them",
        "麦克风位置尚未确认：请先验证方向再使用",
    ),
    "microphone_back": ("Hearing again.", "已恢复收听。"),
    "console": (
        "The console is at {url} — Ctrl-C ends it.",
        "操作台地址：{url}，按 Ctrl-C 结束。",
    ),
    "pin_made": (
        "PIN of the console: {pin}. It is shown this once; voicetrail-edge console-pin sets another.",
        "操作台 PIN：{pin}。只显示这一次；可用 voicetrail-edge console-pin 重新设置。",
    ),
    "pin_set": ("The PIN is set.", "PIN 已设置。"),
    "token_made": (
        "That is the access token of {name}. It is shown this once.",
        "以上是 {name} 的访问令牌，只显示这一次。",
    ),
    "token_revoked": ("The token of {name} is no longer valid.", "{name} 的令牌已失效。"),
    "token_kept": ("{name}: token of {moment}", "{name}：{moment} 生成的令牌"),
    "no_tokens": (
        "No microphone has a token. Make one: voicetrail-edge microphone-token --name PLACE",
        "还没有令牌。生成：voicetrail-edge microphone-token --name 位置",
    ),
    "speak_now": (
        "Speak now, alone, for about half a minute. Nothing of the sound is kept.",
        "请本人单独讲话约半分钟，声音不会保存。",
    ),
    "voice_enrolled": (
        "The voice of {staff} is enrolled from {seconds:.0f} s of speech. The voiceprint is sealed in {folder} and "
        "never leaves this device; voicetrail-edge voice forget deletes it.",
        "已根据 {seconds:.0f} 秒讲话登记 {staff} 的声纹。声纹加密保存在 {folder}，不会离开本机；"
        "可用 voicetrail-edge voice forget 删除。",
    ),
    "voice_none": ("No voice is enrolled.", "没有登记任何声纹。"),
    "voice_kept": (
        "{staff}: from {seconds:.0f} s of speech, {made_at}",
        "{staff}：{seconds:.0f} 秒讲话，{made_at}",
    ),
    "voice_forgotten": ("Deleted.", "已删除。"),
    "settling": ("Delivering {count} records …", "正在上传 {count} 条记录……"),
    "trouble": ("Delivery waits — {error}", "上传暂停——{error}"),
    "not_settled": (
        "{count} records are still on this device, sealed. They go out with the next command, "
        "or with: voicetrail-edge outbox --send --data {folder}",
        "还有 {count} 条记录加密保存在本机，下次运行时会继续上传，"
        "也可以运行：voicetrail-edge outbox --send --data {folder}",
    ),
    "broken_off": (
        "Stopped. What was heard is sealed; the same command goes on from there.",
        "已停止。听到的内容已加密保存，再次运行同一命令会从中断处继续。",
    ),
    "done": (
        "{utterances} utterances ({quarantined} quarantined); heard {heard:.1f} s, silent {silent:.1f} s, "
        "lost {lost:.1f} s, withheld {withheld:.1f} s; delivered {uploaded} records, {duplicates} were there already, "
        "{rejected} rejected; recognition took {recognition_cpu_s:.1f} CPU seconds.",
        "共 {utterances} 句（{quarantined} 句存疑）；有声 {heard:.1f} 秒，静音 {silent:.1f} 秒，丢失 {lost:.1f} 秒，"
        "未同意 {withheld:.1f} 秒；上传 {uploaded} 条，服务器已有 {duplicates} 条，拒收 {rejected} 条；"
        "识别用时 {recognition_cpu_s:.1f} CPU 秒。",
    ),
    "dead_letters": (
        "{count} records cannot be delivered: see voicetrail-edge outbox --data {folder}",
        "有 {count} 条记录无法送达，请运行：voicetrail-edge outbox --data {folder}",
    ),
    "dead_letter": (
        "{record_id}  {state}: {code}; {kind} of {made}, offered {attempts} times",
        "{record_id}  {state}：{code}；{kind}，生成于 {made}，已尝试 {attempts} 次",
    ),
    "dead_letter_how": (
        "To look at one: voicetrail-edge outbox --show ID. To offer it again: --resend --record ID.",
        "查看一条：voicetrail-edge outbox --show 编号；重新发送：--resend --record 编号。",
    ),
    "outbox": (
        "{pending} pending, {acknowledged} delivered and kept for now, {dead} dead letters, {unreadable} unreadable",
        "待上传 {pending}，已送达（暂存）{acknowledged}，死信 {dead}，无法读取 {unreadable}",
    ),
    "oldest": (
        "Oldest pending record: {moment}; most attempts so far: {attempts}",
        "最早的待上传记录：{moment}；最多已尝试 {attempts} 次",
    ),
    "why": ("Kept back by: {code}", "未能上传的原因：{code}"),
    "key_rotated": (
        "{count} records and what else is sealed here are under a new data key; the old one is gone.",
        "{count} 条记录及本机其他加密内容已改用新的数据密钥，旧密钥已删除。",
    ),
    "offered_again": ("{count} records are offered again.", "重新发送 {count} 条记录。"),
    "advice": ("What to do: {advice}", "建议：{advice}"),
}

# The errors that people at a counter meet; others keep their English words.
_ERRORS_ZH: Final[dict[str, tuple[str, str]]] = {
    "not_enrolled": (
        "这台设备尚未注册",
        "向服务器管理员索取注册码，然后运行：voicetrail-edge enrol --server 地址 --code 注册码 --data 目录",
    ),
    "already_enrolled": ("这台设备已经注册过", "无需再做；如需另一个身份，请用 --data 指定另一个目录。"),
    "voice_too_short": ("讲话时间不够，无法登记声纹", "请单独、连续讲话约半分钟后再试。"),
    "voices_unreadable": ("本机的声纹无法打开", "请运行：voicetrail-edge voice forget --all，然后重新登记。"),
    "voice_unknown": ("没有这个人的声纹", "请运行：voicetrail-edge voice show"),
    "voice_model_unusable": ("声纹模型缺失或已损坏", "请重新安装 voicetrail[edge]。"),
    "server_unreachable": ("连不上服务器", "请检查地址、网络以及服务器是否运行；已录下的内容不会丢失。"),
    "certificate_untrusted": (
        "服务器证书不受信任",
        "请为服务器换用受信任机构的证书，或用 SSL_CERT_FILE 指定自有证书；已录下的内容不会丢失。",
    ),
    "certificate_expired": ("服务器证书不在有效期内", "请先校准本机时间；时间无误则请更新服务器证书。"),
    "certificate_name": ("服务器证书与地址不符", "请使用证书上的域名，或为该地址换发证书。"),
    "outbox_full": ("发件箱已满，无法继续记录", "请清理磁盘，或让设备连上服务器，送达后会自动删除。"),
    "recorder_busy": (
        "另一个 voicetrail-edge 正在用这个目录",
        "请等它结束，或用 --data 指定另一个已注册的目录。",
    ),
    "media_not_found": ("找不到音频文件", "请检查路径，注意大小写。"),
    "media_empty": ("文件里没有音频内容", "请确认录音已正常结束并完整复制。"),
    "media_without_sound": ("文件没有声音", "请选择带音轨的录音。"),
    "media_unreadable": ("文件无法作为音频或视频读取", "请先用播放器试听；若同样失败，请重新复制或导出。"),
    "microphone_address": ("麦克风地址不正确", "请运行 voicetrail-edge devices 查看可用的地址。"),
    "microphone_not_opened": (
        "麦克风打不开",
        "请确认已插好且没有被其他程序占用；运行 voicetrail-edge devices 查看可用的麦克风。",
    ),
    "microphone_format": ("麦克风不支持所需的采样率或声道数", "请运行 voicetrail-edge devices 查看它支持什么。"),
    "microphone_lost": ("麦克风断开了", "请重新插好，或换一个麦克风。"),
    "microphone_rerouted": ("系统换成了另一个麦克风", "请用名称指定麦克风，以免被其他麦克风替换。"),
    "array_profile_unknown": ("没有这种麦克风阵列的配置", "请使用已有的配置名称，或给出描述阵列位置的 TOML 文件。"),
    "array_profile_bad": (
        "麦克风阵列的配置不能使用",
        "请按提示改正配置文件；可参考 hardware 包中的 array_profiles.toml。",
    ),
    "array_wrong_channels": ("阵列的声道数与配置不符", "请安装带原始声道的固件，或选择与之相符的配置。"),
    "array_microphone_deaf": ("阵列中有麦克风没有声音", "请检查阵列是否被遮挡，或安装带原始声道的固件。"),
    "array_not_found": ("没有找到这种麦克风阵列", "请插好，或运行 voicetrail-edge devices 查看可用的麦克风。"),
    "microphone_wrong_rate": ("麦克风的采样率与设定不符", "请重新插拔；如仍不正常，请更换麦克风。"),
    "portaudio_missing": (
        "没有安装 PortAudio",
        "请安装（Debian、Ubuntu：apt install libportaudio2）和 voicetrail[edge]。",
    ),
    "input_clipped": ("麦克风音量过大，声音失真", "请调低麦克风音量，或离嘴远一些。"),
    "input_silent": ("麦克风几分钟没有任何声音", "请检查麦克风本身或系统中是否静音。"),
    "weights_altered": (
        "识别模型与发布的不一致",
        "请删除该目录以便重新生成；若仍失败，请重装 voicetrail[edge]。",
    ),
    "weights_missing": ("找不到识别模型", "请安装 voicetrail[edge]，或在设置中指定其他模型。"),
    "not_a_voicetrail_server": ("该地址不是 Voicetrail 服务器", "请检查地址、端口和路径。"),
    "bad_server_address": ("服务器地址不正确", "请按 https://voice.example.com 或 http://127.0.0.1:8080 的形式填写。"),
    "data_key_missing": ("缺少数据密钥，无法打开发件箱", "请放回 data.key，或移走 outbox.db 后重新开始。"),
    "data_key_wrong": ("数据密钥与发件箱不匹配", "请放回正确的 data.key，或移走 outbox.db。"),
}


class Messages:
    """The program's voice in one language."""

    def __init__(self, language: str) -> None:
        self._column = 1 if language == CHINESE else 0

    def __call__(self, key: str, **values: object) -> str:
        """Return a message with its values filled in."""
        return _TEXTS[key][self._column].format(**values)

    def explained(self, error: VoicetrailError) -> tuple[str, str]:
        """Return what is wrong and what to do, for people who need no codes."""
        return self.of_code(error.code) or (error.message, error.advice)

    def of_code(self, code: str) -> tuple[str, str] | None:
        """Return what an error's code means and what to do, None where the error's own words stand for it."""
        return _ERRORS_ZH.get(code) if self._column == 1 else None

    def error(self, error: VoicetrailError) -> str:
        """Return `code: message` and what to do, on one line each."""
        message, advice = error.message, error.advice
        if self._column == 1 and error.code in _ERRORS_ZH:
            short, advice = _ERRORS_ZH[error.code]
            message = f"{short}（{message}）"
        lines = [f"{error.code}: {message}"]
        if advice:
            lines.append(self("advice", advice=advice))
        return "\n".join(lines)


def language_of(environment: Mapping[str, str] = os.environ) -> str:
    """Return zh or en by the environment's locale (LC_ALL, LC_MESSAGES, LANG; POSIX 8.2)."""
    for name in ("LC_ALL", "LC_MESSAGES", "LANG"):
        if value := environment.get(name):
            return CHINESE if value.lower().startswith("zh") else ENGLISH
    return ENGLISH
