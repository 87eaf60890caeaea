"""The answers a person gives: one model, its sources, its file."""

from __future__ import annotations

from .asking import Ask, Question, Section, next_question, questions
from .model import VERSION, Answers, answers_model
from .module_questions import (
    ModuleAnswers,
    ModuleQuestions,
    Modules,
    OptionSpec,
    SecretQuestion,
)
from .problems import AnswersError, AnswersInvalid, BadAnswer, Problem, SecretUnavailable
from .reading import (
    profile_names,
    read_environment,
    read_file,
    read_flags,
    read_profile,
    variable_name,
)
from .schema import json_schema, schema_text
from .secret_reference import SecretRef
from .sources import Gathered, Known, Layer, Source, Sourced, gather, known, screen_layer
from .writing import answers_text, example_text, section_title, write_answers

__all__ = [
    "VERSION",
    "Answers",
    "AnswersError",
    "AnswersInvalid",
    "Ask",
    "BadAnswer",
    "Gathered",
    "Known",
    "Layer",
    "ModuleAnswers",
    "ModuleQuestions",
    "Modules",
    "OptionSpec",
    "Problem",
    "Question",
    "SecretQuestion",
    "SecretRef",
    "SecretUnavailable",
    "Section",
    "Source",
    "Sourced",
    "answers_model",
    "answers_text",
    "example_text",
    "gather",
    "json_schema",
    "known",
    "next_question",
    "profile_names",
    "questions",
    "read_environment",
    "read_file",
    "read_flags",
    "read_profile",
    "schema_text",
    "screen_layer",
    "section_title",
    "variable_name",
    "write_answers",
]
