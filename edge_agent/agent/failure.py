"""What the agent refuses, and what stops it."""

from models.errors import VoicetrailError


class AgentError(VoicetrailError):
    """The agent cannot do what was asked as things stand."""

    code = "agent_phase"
    permanent = False
